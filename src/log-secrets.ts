const censored = '"[redacted]"';

/** A field of this name, at any depth, with a text or a list of texts as its value. */
const field =
  /("[^"\\]*(?:token|private_?key|secret|password|passphrase|authorization)":)(?:"(?:[^"\\]|\\.)*"|\[(?:[^\]"]|"(?:[^"\\]|\\.)*")*\])/gi;
/** A JWT wherever it stands: two parts of base64 that begin as JSON objects do, and a signature. */
const jwt = /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*/g;
/** A private key in PEM, inside a JSON text: its line ends are escaped. */
const pem = /-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|(?="))/g;

/**
 * A line of the log without tokens and keys. Works on the finished JSON text, past which nothing gets out:
 * pino's own redaction knows only the paths it is given, to a fixed depth, and with paths for every depth a
 * message of NSM may have it takes ten times as long as the rest of the line.
 */
export const withoutSecrets = (line: string): string =>
  line.replace(field, `$1${censored}`).replace(jwt, '[redacted]').replace(pem, '[redacted]');
