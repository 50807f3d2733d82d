-- What booking is measured against. Written once and never changed, so that figures of different years compare.

CREATE TABLE reference_account (
    id bigint PRIMARY KEY,
    debits bigint NOT NULL DEFAULT 0,
    credits bigint NOT NULL DEFAULT 0
);

CREATE TABLE reference_transfer (
    id bigint PRIMARY KEY,
    journal bigint NOT NULL,
    debit bigint NOT NULL,
    credit bigint NOT NULL,
    amount bigint NOT NULL,
    currency varchar(3) NOT NULL,
    leg smallint NOT NULL
);

CREATE INDEX reference_transfer_debit ON reference_transfer (debit, id);
CREATE INDEX reference_transfer_credit ON reference_transfer (credit, id);
CREATE INDEX reference_transfer_journal ON reference_transfer (journal);

CREATE SEQUENCE reference_transfer_ids AS bigint;
