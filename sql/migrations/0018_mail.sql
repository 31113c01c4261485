-- Mail in: which messages of which folder became documents, so that none does so twice and none is forgotten.
--
-- IMAP names a message by its folder, the folder's UIDVALIDITY and a UID. When a server gives a folder a new UIDVALIDITY, all
-- UIDs have changed; the digest of the message then says that it is known.
create table alfrd.mail_messages (
  mailbox      text not null check (octet_length(mailbox) <= 2000),
  uidvalidity  bigint not null,
  uid          bigint not null,
  digest       text not null check (octet_length(digest) <= 200),
  document_ids uuid[] not null,
  owner        text not null default current_user check (octet_length(owner) <= 2000),
  taken_at     timestamptz not null default alfrd.now(),
  primary key (mailbox, uidvalidity, uid, owner)
);
create index mail_messages_digest on alfrd.mail_messages (mailbox, digest);
comment on table alfrd.mail_messages is
  'Messages that alfrd-events watch imaps://… has taken: a row here keeps a message from becoming documents again.';
comment on column alfrd.mail_messages.mailbox is 'imaps://user@host:port/folder, as it is watched; never with a password.';
comment on column alfrd.mail_messages.digest is 'SHA-256 of the whole message.';
comment on column alfrd.mail_messages.document_ids is 'What it became; empty: the watcher wanted attachments, and it has none.';
