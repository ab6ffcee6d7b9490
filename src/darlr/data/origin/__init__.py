"""The origin of data: official files, archives, downloads and the cache of parsed files."""
