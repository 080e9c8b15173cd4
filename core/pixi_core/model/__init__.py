"""The values everybody speaks in. Nothing here touches a disk, a network or a process."""
