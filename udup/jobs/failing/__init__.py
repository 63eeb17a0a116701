"""Why a job has failed, for programs: what exactly is the matter, and what can be done about it, best first."""
