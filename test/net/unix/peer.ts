import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';

// Runs what it is told line by line, and answers each line with what that left in `out`.
const program = `
import array, json, os, socket, struct, sys, time
env = globals()
path = sys.argv[1]
def connect():
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    return s
for line in sys.stdin:
    out = None
    exec(json.loads(line), env)
    print(json.dumps(out), flush=True)
`;

/** Another process at the other end of the socket, in Python, so that none of our own code is in it. */
export class PythonPeer {
  readonly process: ChildProcess;
  readonly #lines: Interface;
  readonly #answers: AsyncIterator<string>;
  #errors = '';

  /** `command` is put before it: ['unshare', '--net']. Then `process` may be another one than Python's. */
  constructor(path: string, command: readonly string[] = []) {
    // env runs what it is given.
    this.process = spawn('env', [...command, 'python3', '-c', program, path], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.process.stderr?.on('data', (text: Buffer) => {
      this.#errors += String(text);
    });
    if (this.process.stdout === null) throw new Error('no standard output');
    this.#lines = createInterface(this.process.stdout);
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  /** Runs the statements; the value they give `out`. Fails with what Python says. */
  async do(statements: string): Promise<unknown> {
    this.tell(statements);
    const answer = await this.#answers.next();
    if (answer.done === true) throw new Error(`The peer ended: ${this.#errors}`);
    return JSON.parse(answer.value);
  }

  /** The same without waiting: for what has no answer. */
  tell(statements: string): void {
    this.process.stdin?.write(`${JSON.stringify(statements)}\n`);
  }

  /**
   * The process ends; a child of it keeps its connection `s`, answers each byte there with 'here', and ends
   * with it.
   */
  async leaveToChild(): Promise<void> {
    const ended = once(this.process, 'exit');
    this.tell('if os.fork() != 0: os._exit(0)\nwhile s.recv(1): s.send(b"here")\nos._exit(0)');
    await ended;
  }

  /** Its number where it is seen from here, unlike what Python itself may think. */
  async pid(): Promise<number> {
    return Number(await this.do('out = os.getpid()'));
  }

  close(): void {
    this.#lines.close();
    this.process.stdin?.destroy();
    this.process.kill('SIGKILL');
  }
}
