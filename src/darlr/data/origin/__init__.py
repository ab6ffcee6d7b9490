"""Where data come from: official files, archives, downloads and the cache of what was parsed."""
