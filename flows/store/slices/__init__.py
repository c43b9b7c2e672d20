"""What workers on other machines stage, where they and the job share an object store and no folder."""
