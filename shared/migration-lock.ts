/**
 * The advisory lock of whoever changes the structure of the tables: migrations, and a rebuild while it is under way. Any
 * number that nothing else in the database locks; both servers of a rolling deployment use the same.
 */
export const MIGRATION_LOCK = 7_020_011;
