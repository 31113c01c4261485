-- When the bell is free again that no worker is there to hear, in milliseconds since 1970: see alfrd.unheard_bell_is_due. A
-- sequence, since it can be set and seen by transactions that have not ended, and nobody waits for anybody.

create unlogged sequence alfrd.unheard_bell_free_at minvalue 0 start 0;
