"""Nothing lost, nothing leaked: crashes at every step, full disks, two at once, secrets in every byte written."""
