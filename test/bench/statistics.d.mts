export interface Ratio {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}
export interface Sample {
  readonly value: number;
  readonly cpu: number;
}
export interface Summary {
  readonly name: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly ratio: Ratio | null;
  readonly cpu: number;
}
export function median(values: readonly number[]): number;
export function quantile(values: readonly number[], q: number): number;
export function ratios(
  values: readonly (number | null)[],
  references: readonly (number | null)[],
): Ratio | null;
export function summary(
  name: string,
  unit: string,
  samples: readonly (Sample | null)[],
  references: readonly (number | null)[],
): Summary | null;
