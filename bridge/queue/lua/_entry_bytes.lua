local ENTRY_BYTES = 1024 -- an entry's, besides its payload: its other fields, its mark as taken, its attempts
