"""git for a manifest repository that is never checked out: fetch, read, commit and push by one hardened function."""
