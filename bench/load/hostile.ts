/** Clients that nobody should have to wait for: some send their request a byte at a time, some send far more than is allowed. */
const SLOW_CLIENTS = 50;
const SLOW_BYTE_MS = 200;
const HUGE_CLIENTS = 4;
/** Beyond the limit of 64 KiB. */
const HUGE_BYTES = 1_000_000;
/** Within the limit, and still too long for a description. */
const LONG_BYTES = 60_000;

export interface HostileClients {
  /** Huge requests that were answered so far. */
  sent(): number;
  stop(): Promise<void>;
}

export function hostileClients(url: string, wallet: string): HostileClients {
  const path = `/wallets/${wallet}/transfer`;
  let stopped = false;
  let sent = 0;

  const slow = async (): Promise<void> => {
    const { hostname, port, host } = new URL(url);
    while (!stopped) {
      let open = true;
      const close = (): void => {
        open = false;
      };
      const socket = { data: () => undefined, close, error: close };
      const connection = await Bun.connect({ hostname, port: Number(port), socket });
      connection.write(
        `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n`,
      );
      while (open && !stopped) {
        connection.write(" ");
        await Bun.sleep(SLOW_BYTE_MS);
      }
      connection.end();
    }
  };
  const huge = async (bytes: number): Promise<void> => {
    const body = JSON.stringify({ to_wallet_id: wallet, amount: "1", description: "x".repeat(bytes) });
    while (!stopped) {
      const headers = { "content-type": "application/json" };
      // The server may close the connection in the middle of what it does not want to read.
      const answer = await fetch(`${url}${path}`, { method: "POST", headers, body }).catch(() => undefined);
      await answer?.arrayBuffer().catch(() => undefined);
      sent += 1;
      await Bun.sleep(1);
    }
  };
  const all = [
    ...Array.from({ length: SLOW_CLIENTS }, slow),
    ...Array.from({ length: HUGE_CLIENTS }, (_, at) => huge(at % 2 === 0 ? HUGE_BYTES : LONG_BYTES)),
  ];
  return {
    sent: () => sent,
    async stop() {
      stopped = true;
      await Promise.allSettled(all);
    },
  };
}
