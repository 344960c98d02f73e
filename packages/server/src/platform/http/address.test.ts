import assert from "node:assert/strict";
import test from "node:test";
import { addressKeys, clientAddress, trustedProxies } from "./address.ts";

const proxies = trustedProxies(["10.0.0.0/8", "fd00::/8", "192.0.2.7"]);

test("LG-08: every spelling of one address is one address", () => {
  const spellings = [
    "::ffff:198.51.100.7",
    "::FFFF:198.51.100.7",
    "::ffff:c633:6407",
    "0:0:0:0:0:ffff:198.51.100.7",
    "0000:0000:0000:0000:0000:ffff:c633:6407",
    "198.51.100.7",
  ];
  assert.deepEqual(
    new Set(spellings.map((s) => clientAddress(s, undefined, []))),
    new Set(["198.51.100.7"]),
  );
  const six = [
    "2001:db8::1",
    "2001:DB8::1",
    "2001:0db8:0:0:0:0:0:1",
    "2001:db8:0:0::0001",
    "2001:db8::1%eth0",
    "2001:db8::0.0.0.1",
  ];
  assert.deepEqual(
    new Set(six.map((s) => clientAddress(s, undefined, []))),
    new Set(["2001:db8::1"]),
  );
});

test("LG-08: the addresses of one /64 share one key, and those of one /48 share a second", () => {
  const keys = Array.from({ length: 4096 }, (_, i) =>
    addressKeys(`2001:db8:1:2:${(i * 16).toString(16)}::${i.toString(16)}`),
  );
  assert.deepEqual(new Set(keys.map((k) => k.address)), new Set(["2001:db8:1:2::/64"]));
  assert.deepEqual(addressKeys("2001:db8:1:ffff::1"), {
    address: "2001:db8:1:ffff::/64",
    subnet: "2001:db8:1::/48",
  });
  assert.deepEqual(addressKeys("::ffff:198.51.100.7"), {
    address: "198.51.100.7",
    subnet: "198.51.100.0/24",
  });
});

test("LG-09: a direct client says nothing about its address", () => {
  assert.equal(clientAddress("203.0.113.5", "198.51.100.1", proxies), "203.0.113.5");
  assert.equal(clientAddress("203.0.113.5", "198.51.100.1", []), "203.0.113.5");
  assert.equal(clientAddress("10.0.0.1", "198.51.100.1", []), "10.0.0.1");
});

test("LG-09: behind trusted proxies, the client is the last address that none of them owns", () => {
  assert.equal(clientAddress("10.0.0.1", "198.51.100.1", proxies), "198.51.100.1");
  assert.equal(
    clientAddress("::ffff:10.0.0.1", "198.51.100.1, 192.0.2.7, 10.9.9.9", proxies),
    "198.51.100.1",
  );
  assert.equal(clientAddress("fd00::1", "2001:DB8:0::1", proxies), "2001:db8::1");
  assert.equal(
    clientAddress("10.0.0.1", "1.1.1.1, 203.0.113.9, 10.2.2.2", proxies),
    "203.0.113.9",
    "what the client wrote itself stays unread",
  );
  assert.equal(clientAddress("10.0.0.1", "198.51.100.1:4711", proxies), "198.51.100.1");
  assert.equal(clientAddress("10.0.0.1", "[2001:db8::1]:4711", proxies), "2001:db8::1");
  assert.equal(clientAddress("10.0.0.1", "10.0.0.2, 10.0.0.3", proxies), "10.0.0.2");
});

test("LG-09: a hop that is not a plain address ends the walk at the proxy that wrote it", () => {
  for (const hop of [
    "",
    "unknown",
    "_hidden",
    "0x7f.1",
    "010.0.0.1",
    "127.1",
    "1.2.3.4.5",
    "[::1",
    "::1%<script>:80",
    "<b>",
    "198.51.100.1 10.0.0.1",
  ])
    assert.match(
      clientAddress("10.0.0.1", `203.0.113.9, ${hop}`, proxies),
      /^10\.0\.0\.1$|^::1$/,
      hop,
    );
});

test("a connection without a peer address has one key of its own", () => {
  assert.equal(clientAddress(undefined, "198.51.100.1", proxies), "0.0.0.0");
  assert.deepEqual(addressKeys("nonsense"), { address: "0.0.0.0", subnet: "0.0.0.0/24" });
});

test("a text that is not a range is reported as the operator's mistake at the start", () => {
  for (const range of [
    "",
    "10.0.0.0/33",
    "proxy.internal",
    "10/8",
    "10.0.0.0/8/8x",
    "10.0.0.0/",
    "fd00::/129",
  ])
    assert.throws(() => trustedProxies([range]), RangeError, range);
});
