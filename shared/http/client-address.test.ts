import { describe, expect, test } from "bun:test";
import { addressWith, parseNetworks } from "./client-address.ts";

function seen(proxies: string[], peer: string | null, forwarded?: string): string {
  const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
  return addressWith(proxies)(new Request("http://localhost/", { headers }), peer);
}

describe("a client is known by its address, and cannot choose it", () => {
  test("without proxies it is the other end of the connection, whatever the request says", () => {
    expect(seen([], "203.0.113.9")).toBe("203.0.113.9");
    expect(seen([], "203.0.113.9", "198.51.100.1")).toBe("203.0.113.9");
    expect(seen(["10.0.0.0/8"], "203.0.113.9", "198.51.100.1")).toBe("203.0.113.9");
  });

  test.each([
    ["one that its proxy names", "198.51.100.1", "198.51.100.1"],
    ["the last that is no proxy's, before which anything may stand", "1.1.1.1, 198.51.100.1", "198.51.100.1"],
    ["behind two proxies", "1.1.1.1, 198.51.100.1, 10.0.0.2", "198.51.100.1"],
    ["the proxy itself, where it names nobody", undefined, "10.0.0.1"],
    ["the proxy itself, where it names something else", "unknown", "10.0.0.1"],
    ["a proxy, where all are", "10.0.0.9, 10.0.0.8", "10.0.0.9"],
    ["IPv6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ])("through trusted proxies: %s", (_, forwarded, address) => {
    expect(seen(["10.0.0.0/8"], "10.0.0.1", forwarded)).toBe(address);
    expect(seen(["10.0.0.0/8"], "::ffff:10.0.0.1", forwarded)).toBe(address);
  });

  test("of an IPv6 address the network counts, or one owner would be any number of clients", () => {
    const same = ["2001:db8:0:7::1", "2001:0db8::7:ffff:1:2:3", "2001:DB8:0:7:a:b:c:d", "2001:db8:0:7::1%eth0"];
    expect(same.map((address) => seen([], address))).toEqual(Array(4).fill("2001:db8:0:7::/64"));
    expect(seen([], "2001:db8:0:8::1")).not.toBe("2001:db8:0:7::/64");
    expect([seen([], "::1"), seen([], "::"), seen([], "64:ff9b::1.2.3.4")]).toEqual([
      "0:0:0:0::/64",
      "0:0:0:0::/64",
      "64:ff9b:0:0::/64",
    ]);
    expect(seen([], "::ffff:203.0.113.9")).toBe("203.0.113.9");
  });

  test("a connection that has none is like all others without one", () => {
    expect(seen([], null)).toBe(seen(["10.0.0.0/8"], null, "198.51.100.1"));
  });

  test.each(["10.0.0.0/33", "::/129", "host", "10.0.0.0/8/8", "10.0.0.0/-1", "10.0.0.0/x", "10.0.0"])(
    "%s is no network",
    (text) => expect(parseNetworks(text).ok).toBe(false),
  );
});
