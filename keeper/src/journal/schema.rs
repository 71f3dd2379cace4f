//! The tables of the keeper's journal. A change is a new script at the end; those
//! that were released are never edited.

use super::totals;

/// The scripts, in order.
pub const MIGRATIONS: &[&str] = &[FIRST, totals::TABLES];

const FIRST: &str = "
-- The deployment this journal belongs to.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE batches (
    number   INTEGER PRIMARY KEY,
    epoch    INTEGER NOT NULL,
    lane     INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    root     BLOB    NOT NULL,
    receipts INTEGER NOT NULL,
    entries  BLOB    NOT NULL,
    digest   BLOB    NOT NULL,
    -- built, offered, signed, submitted, accepted, dead
    state    TEXT    NOT NULL,
    -- The chain's time at which it was built, in ms.
    built_at INTEGER NOT NULL,
    -- Why it is dead, or what the chain last said.
    note     TEXT
) STRICT;
CREATE UNIQUE INDEX batches_living ON batches (epoch, lane, seq) WHERE state <> 'dead';
CREATE INDEX batches_state ON batches (state);

CREATE TABLE signatures (
    batch     INTEGER NOT NULL REFERENCES batches (number) ON DELETE CASCADE,
    signer    BLOB    NOT NULL,
    signature BLOB    NOT NULL,
    PRIMARY KEY (batch, signer)
) STRICT, WITHOUT ROWID;

CREATE TABLE receipts (
    id           BLOB    PRIMARY KEY,
    lane         INTEGER NOT NULL,
    operator     INTEGER NOT NULL,
    completed_at INTEGER NOT NULL,
    -- The receipt as JSON.
    body         TEXT    NOT NULL,
    -- pending, batched, counted
    state        TEXT    NOT NULL,
    -- Whether it was or is carried into a later epoch than its own.
    late         INTEGER NOT NULL DEFAULT 0,
    batch        INTEGER REFERENCES batches (number),
    CHECK ((state = 'pending') = (batch IS NULL))
) STRICT;
CREATE INDEX receipts_waiting ON receipts (lane, operator, completed_at) WHERE state = 'pending';
CREATE INDEX receipts_batch ON receipts (batch, id) WHERE batch IS NOT NULL;

-- What cannot be counted, and why.
CREATE TABLE quarantine (
    number INTEGER PRIMARY KEY,
    id     BLOB,
    -- The file or address it came from, and the line there.
    source TEXT    NOT NULL,
    line   INTEGER,
    code   TEXT    NOT NULL,
    reason TEXT    NOT NULL,
    -- The text as it came, cut to a few kB.
    body   TEXT    NOT NULL,
    UNIQUE (code, body)
) STRICT;
CREATE INDEX quarantine_id ON quarantine (id);

-- Every transaction with its bytes, recorded before it is sent.
CREATE TABLE submissions (
    number            INTEGER PRIMARY KEY,
    -- attest, settle, raise, book, claim, ...
    kind              TEXT    NOT NULL,
    -- What it is about, so that the same thing is not sent twice.
    key               TEXT    NOT NULL,
    nonce             INTEGER NOT NULL,
    hash              BLOB    NOT NULL,
    bytes             BLOB    NOT NULL,
    -- The finalized block at which it was signed.
    anchor            INTEGER NOT NULL,
    -- The last block that can hold it.
    valid_until_block INTEGER NOT NULL,
    -- recorded, sent, included, failed, dead
    state             TEXT    NOT NULL,
    -- The block it is in, what it paid, and what became of it.
    block             INTEGER,
    fee               TEXT,
    outcome           TEXT
) STRICT;
CREATE INDEX submissions_state ON submissions (state);
CREATE INDEX submissions_key ON submissions (kind, key);
";
