//! The engine on the virtual clock: links, horizons, threads; and the reference engine that it must equal.
