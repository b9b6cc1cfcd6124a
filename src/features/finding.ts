/** What a doctor says of one thing. */
export interface Finding {
  name: string;
  status: 'ok' | 'warning' | 'failure';
  detail: string;
  /** What to do about it; null where nothing is to be done. */
  remedy: string | null;
}

export const ok = (name: string, detail: string): Finding => ({ name, status: 'ok', detail, remedy: null });
export const warning = (name: string, detail: string, remedy: string): Finding => ({
  name,
  status: 'warning',
  detail,
  remedy,
});
export const failure = (name: string, detail: string, remedy: string): Finding => ({
  name,
  status: 'failure',
  detail,
  remedy,
});
