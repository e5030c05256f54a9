//! What forwarding looks up: prefixes, labels, circuits, next hops, gathered in a `Fib`.
