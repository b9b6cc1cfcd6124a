import { libbpf_version_string } from './libbpf.ts';

/** Of the libbpf in use, such as 'v1.1'. */
export const libbpfVersion = (): string => libbpf_version_string() ?? 'unknown';
