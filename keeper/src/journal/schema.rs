//! The tables of the keeper's journal. A change is a new script at the end; those
//! that were released are never edited.

use super::totals;

/// The scripts, in order.
pub const MIGRATIONS: &[&str] = &[FIRST, totals::TABLES, THIRD];

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

const THIRD: &str = "
-- Files and addresses that receipts came from.
CREATE TABLE sources (
    number INTEGER PRIMARY KEY,
    name   TEXT    NOT NULL UNIQUE
) STRICT;
ALTER TABLE receipts ADD COLUMN source INTEGER REFERENCES sources (number);
ALTER TABLE receipts ADD COLUMN line INTEGER;

-- Whether it had been taken in before: what had is kept, of the rest only the newest.
ALTER TABLE quarantine ADD COLUMN taken_in INTEGER NOT NULL DEFAULT 0;
UPDATE quarantine SET taken_in = 1 WHERE source = 'journal';
CREATE INDEX quarantine_code ON quarantine (code, taken_in, number);

-- How many rows there are of what, kept by the triggers below: counting them takes as
-- long as the journal is old.
CREATE TABLE counts (
    -- receipt: name is a state, or late
    -- batch: name is a state
    -- refused, ejected: quarantine, never taken in and taken in before; name is a code
    -- dropped: was refused and is not kept any more; name is a code
    kind  TEXT    NOT NULL,
    name  TEXT    NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
INSERT INTO counts (kind, name, count) VALUES
    ('receipt', 'pending', 0), ('receipt', 'batched', 0), ('receipt', 'counted', 0),
    ('receipt', 'late', (SELECT coalesce(sum(late), 0) FROM receipts)),
    ('batch', 'built', 0), ('batch', 'offered', 0), ('batch', 'signed', 0),
    ('batch', 'submitted', 0), ('batch', 'accepted', 0), ('batch', 'dead', 0);
UPDATE counts SET count = (SELECT count(*) FROM receipts WHERE state = name)
    WHERE kind = 'receipt' AND name <> 'late';
UPDATE counts SET count = (SELECT count(*) FROM batches WHERE state = name)
    WHERE kind = 'batch';
INSERT INTO counts (kind, name, count)
    SELECT iif(taken_in, 'ejected', 'refused'), code, count(*) FROM quarantine GROUP BY 1, 2;

CREATE TRIGGER receipts_added AFTER INSERT ON receipts BEGIN
    UPDATE counts SET count = count + 1 WHERE kind = 'receipt' AND name = new.state;
    UPDATE counts SET count = count + new.late WHERE kind = 'receipt' AND name = 'late';
END;
CREATE TRIGGER receipts_removed AFTER DELETE ON receipts BEGIN
    UPDATE counts SET count = count - 1 WHERE kind = 'receipt' AND name = old.state;
    UPDATE counts SET count = count - old.late WHERE kind = 'receipt' AND name = 'late';
END;
CREATE TRIGGER receipts_changed AFTER UPDATE OF state, late ON receipts
WHEN old.state <> new.state OR old.late <> new.late BEGIN
    UPDATE counts SET count = count - 1 WHERE kind = 'receipt' AND name = old.state;
    UPDATE counts SET count = count + 1 WHERE kind = 'receipt' AND name = new.state;
    UPDATE counts SET count = count + new.late - old.late WHERE kind = 'receipt' AND name = 'late';
END;
CREATE TRIGGER batches_added AFTER INSERT ON batches BEGIN
    UPDATE counts SET count = count + 1 WHERE kind = 'batch' AND name = new.state;
END;
CREATE TRIGGER batches_changed AFTER UPDATE OF state ON batches BEGIN
    UPDATE counts SET count = count - 1 WHERE kind = 'batch' AND name = old.state;
    UPDATE counts SET count = count + 1 WHERE kind = 'batch' AND name = new.state;
END;
CREATE TRIGGER quarantine_added AFTER INSERT ON quarantine BEGIN
    INSERT INTO counts (kind, name, count)
        SELECT iif(new.taken_in, 'ejected', 'refused'), new.code, 0
        WHERE NOT EXISTS (SELECT 1 FROM counts
            WHERE kind = iif(new.taken_in, 'ejected', 'refused') AND name = new.code);
    UPDATE counts SET count = count + 1
        WHERE kind = iif(new.taken_in, 'ejected', 'refused') AND name = new.code;
END;
CREATE TRIGGER quarantine_removed AFTER DELETE ON quarantine BEGIN
    UPDATE counts SET count = count - 1
        WHERE kind = iif(old.taken_in, 'ejected', 'refused') AND name = old.code;
END;

-- What nobody asks for any more: the entries of dead batches, the bytes of transactions
-- whose end is long known.
UPDATE batches SET entries = x'' WHERE state = 'dead';
UPDATE submissions SET bytes = x'' WHERE state NOT IN ('recorded', 'sent')
    AND number <= (SELECT max(number) FROM submissions) - 256;
";
