/**
 * The usual way, as a good engineer writes it with Drizzle: one interactive transaction for each transfer, both wallets
 * locked in the order of their ids, statements prepared. Eight round trips: begin, lock, two updates, three inserts, commit.
 */
import { connectReads } from "../../shared/database.ts";
import { money } from "../../shared/money.ts";
import * as schema from "../../shared/schema/wallet.ts";
import { insertRows, isUsedKey, keepAnswer, readWallets, storedAnswer, updateWallet } from "./statements.ts";
import { type Answer, NOT_FOUND, refusalOf, type Transfer, write } from "./transfer.ts";

export function drizzleTransaction(url: string, connections: number): Transfer {
  const { db } = connectReads(url, { service: "wallet", purpose: "bench", max: connections, asOwner: true }, schema);
  return async (request) => {
    try {
      return await db.transaction(async (tx): Promise<Answer> => {
        const { sender, receiver } = await readWallets(tx, request, "locked");
        if (sender === undefined || receiver === undefined) return NOT_FOUND;
        const code = refusalOf(sender, receiver, money(request.amount));
        if (code !== undefined) {
          const refused = { status: 422, body: JSON.stringify({ code }) };
          await keepAnswer(tx, request, refused);
          return refused;
        }
        const written = write(request, sender, receiver, new Date());
        await updateWallet(tx, written.sender);
        await updateWallet(tx, written.receiver);
        await insertRows(tx, request, written);
        return written.answer;
      });
    } catch (error) {
      const stored = isUsedKey(error) ? await storedAnswer(db, request) : undefined;
      if (stored === undefined) throw error;
      return stored;
    }
  };
}
