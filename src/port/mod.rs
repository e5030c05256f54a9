//! What a frame meets at a port: serialisation, queues, policers; and on a link: loss and cuts.
