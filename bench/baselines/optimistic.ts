/**
 * Optimistic versions: the wallets are read without a lock, and a transaction writes them only if they still have the
 * versions that were read; otherwise all of it is tried again.
 */
import { connectReads } from "../../shared/database.ts";
import { money } from "../../shared/money.ts";
import * as schema from "../../shared/schema/wallet.ts";
import { type Database, insertRows, isUsedKey, readWallets, storedAnswer, updateWallet } from "./statements.ts";
import { type Answer, NOT_FOUND, refusalOf, type Transfer, type TransferRequest, write } from "./transfer.ts";

/** On one hot wallet all but one of those that try at once fail: with 32 connections some lose dozens of times. */
const ATTEMPTS = 1_000;

class Outdated extends Error {}

export function optimistic(url: string, connections: number): Transfer {
  const { db } = connectReads(url, { service: "wallet", purpose: "bench", max: connections, asOwner: true }, schema);
  const enter = turnstile(connections);
  return async (request) => {
    const leave = await enter();
    try {
      return await tryUntilDone(db, request);
    } finally {
      leave();
    }
  };
}

async function tryUntilDone(db: Database, request: TransferRequest): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryOnce(db, request);
    } catch (error) {
      if (error instanceof Outdated && attempt < ATTEMPTS) continue;
      const stored = isUsedKey(error) ? await storedAnswer(db, request) : undefined;
      if (stored === undefined) throw error;
      return stored;
    }
  }
}

/**
 * As many at a time as there are connections. Without it each request reads its versions and then waits for a connection to write
 * them, behind hundreds that make them outdated: on one hot wallet 10 transfers/s came of that.
 */
function turnstile(places: number): () => Promise<() => void> {
  const waiting: (() => void)[] = [];
  let free = places;
  const leave = (): void => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return async () => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    return leave;
  };
}

/** @throws Outdated where somebody else was first */
async function tryOnce(db: Database, request: TransferRequest): Promise<Answer> {
  const { sender, receiver } = await readWallets(db, request, "unlocked");
  if (sender === undefined || receiver === undefined) return NOT_FOUND;
  const code = refusalOf(sender, receiver, money(request.amount));
  if (code !== undefined) return { status: 422, body: JSON.stringify({ code }) };
  const written = write(request, sender, receiver, new Date());
  await db.transaction(async (tx) => {
    // In the order of their ids, so that two of these never wait for each other.
    const both = [written.sender, written.receiver].toSorted((a, b) => (a.id < b.id ? -1 : 1));
    for (const wallet of both) if (!(await updateWallet(tx, wallet))) throw new Outdated();
    await insertRows(tx, request, written);
  });
  return written.answer;
}
