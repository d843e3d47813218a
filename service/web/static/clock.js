// The service's clock, counted on from its last word. The browser's own date plays no part.

export class Clock {
  #base = null;
  #at = 0;
  speed = 1;

  set({ now, speed }) {
    this.#base = Date.parse(now);
    this.#at = performance.now();
    this.speed = speed;
  }

  /** Milliseconds since 1970 by the service's clock, or null before its first word. */
  now() {
    return this.#base === null ? null : this.#base + (performance.now() - this.#at) * this.speed;
  }
}
