//! Against a server that answers from a script: what a real one does rarely, or not at all.
