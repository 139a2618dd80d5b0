"""From bytes to a plan: finding references, deciding, and changing exactly those bytes. Pure: no disk, no network."""
