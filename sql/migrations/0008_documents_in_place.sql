-- A document is rewritten at each status. Without an index on what changes, and with room on its page, that touches no index.

drop index alfrd.documents_status;
alter table alfrd.documents set (fillfactor = 70);
