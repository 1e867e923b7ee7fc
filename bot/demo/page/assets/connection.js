// The websocket to the demo: views come in, orders go out.

const RETRY_AFTER = 1000; // milliseconds

export class Connection {
  #socket = null;
  #person;
  #on;
  #numbers = 0;
  #waiting = new Map();

  /** `on` has functions: slack(view), demo(view), run(number), lost() and back(). */
  constructor(person, on) {
    this.#person = person;
    this.#on = on;
    this.#open();
  }

  /** Be somebody else from now on. */
  act(person) {
    if (person === this.#person) return;
    this.#person = person;
    this.#open();
  }

  /** Give an order; resolves to what went wrong, in a sentence, or to "". */
  order(kind, details = {}) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return Promise.resolve("The demo is gone; nothing was sent.");
    const id = ++this.#numbers;
    this.#socket.send(JSON.stringify({ id, do: kind, ...details }));
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  #open() {
    if (this.#socket) this.#leave(this.#socket);
    const socket = new WebSocket(`ws://${location.host}/socket?as=${encodeURIComponent(this.#person)}`);
    this.#socket = socket;
    socket.addEventListener("open", () => socket === this.#socket && this.#on.back());
    socket.addEventListener("message", (event) => socket === this.#socket && this.#receive(JSON.parse(event.data)));
    socket.addEventListener("close", () => this.#closed(socket));
  }

  /** Close a socket when that can be done in silence; what was ordered over it is carried out all the same. */
  #leave(socket) {
    if (socket.readyState === WebSocket.CONNECTING) socket.addEventListener("open", () => socket.close());
    else socket.close();
    this.#settle("");
  }

  #settle(problem) {
    for (const resolve of this.#waiting.values()) resolve(problem);
    this.#waiting.clear();
  }

  #receive(frame) {
    if (frame.run) this.#on.run(frame.run);
    if (frame.slack) this.#on.slack(frame.slack);
    if (frame.demo) this.#on.demo(frame.demo);
    if (frame.done) {
      this.#waiting.get(frame.done)?.(frame.problem);
      this.#waiting.delete(frame.done);
    }
  }

  #closed(socket) {
    if (socket !== this.#socket) return; // replaced by another
    this.#settle("The demo was ended before it answered.");
    this.#on.lost();
    setTimeout(() => socket === this.#socket && this.#open(), RETRY_AFTER);
  }
}
