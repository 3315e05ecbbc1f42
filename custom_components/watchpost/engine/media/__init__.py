"""Pictures, snapshots and downloads."""
