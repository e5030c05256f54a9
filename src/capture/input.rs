//! The octets of a capture: unpacked if compressed, in one buffer that is bounded by what a single record may need.

use std::io::{self, Cursor, Read};

/// Room that is always kept before the unread octets, so that a header can be put before a packet in place.
pub(super) const HEADROOM: usize = 16;

/// The first size of the buffer; it grows only for a record that is larger.
const BUFFER_OCTETS: usize = 256 * 1024;

/// A stream of octets with a window of what comes next.
pub(super) struct Input {
    source: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// The offset in the (unpacked) file of `buffer[start]`.
    offset: u64,
    ended: bool,
    /// The source ended within a compressed stream.
    cut: bool,
}

impl Input {
    /// The octets of `source`, unpacked if its first octets are those of gzip or Zstandard.
    pub(super) fn new(mut source: Box<dyn Read + Send>) -> io::Result<Self> {
        let mut magic = Vec::with_capacity(4);
        source.by_ref().take(4).read_to_end(&mut magic)?;
        let compression = Compression::of(&magic);
        let whole = Cursor::new(magic).chain(source);
        let source: Box<dyn Read + Send> = match compression {
            Compression::None => Box::new(whole),
            Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(io::BufReader::new(whole))),
            Compression::Zstandard => Box::new(zstd::Decoder::new(whole)?),
        };
        let buffer = vec![0; HEADROOM + BUFFER_OCTETS];
        Ok(Input { source, buffer, start: HEADROOM, end: HEADROOM, offset: 0, ended: false, cut: false })
    }

    /// Whether at least `octets` are available, after reading what is needed.
    #[inline(always)]
    pub(super) fn ensure(&mut self, octets: usize) -> io::Result<bool> {
        if self.end - self.start >= octets { Ok(true) } else { self.refill(octets) }
    }

    /// Passes over `octets` that are available; they stay in the buffer until the next `ensure`.
    #[inline(always)]
    pub(super) fn consume(&mut self, octets: usize) {
        debug_assert!(octets <= self.available());
        self.start += octets;
        self.offset += octets as u64;
    }

    /// The buffer, to put a header before a packet that was just consumed.
    #[inline(always)]
    pub(super) fn buffer_mut(&mut self) -> &mut [u8] {
        &mut self.buffer
    }

    /// The buffer that positions refer to.
    #[inline(always)]
    pub(super) fn buffer(&self) -> &[u8] {
        &self.buffer
    }

    /// The position in the buffer of the next octet.
    #[inline(always)]
    pub(super) fn position(&self) -> usize {
        self.start
    }

    /// What is available now.
    #[inline(always)]
    pub(super) fn peek(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// The number of octets available now.
    #[inline(always)]
    pub(super) fn available(&self) -> usize {
        self.end - self.start
    }

    /// The offset in the (unpacked) file of the next octet.
    #[inline(always)]
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether the source ended within a compressed stream, so that something is missing even where the last record is whole.
    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    #[cold]
    fn refill(&mut self, octets: usize) -> io::Result<bool> {
        self.buffer.copy_within(self.start..self.end, HEADROOM);
        (self.start, self.end) = (HEADROOM, HEADROOM + (self.end - self.start));
        // By steps, so that a length that lies cannot take memory that no octets of the file fill.
        while self.end - self.start < octets && !self.ended {
            if self.end == self.buffer.len() {
                let length = self.buffer.len();
                self.buffer.resize((length * 2).min(HEADROOM + octets), 0);
            }
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(n) => self.end += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => (self.ended, self.cut) = (true, true),
                Err(error) => return Err(error),
            }
        }
        Ok(self.end - self.start >= octets)
    }
}

/// How a file is packed, told by its first octets.
enum Compression {
    None,
    /// RFC 1952 §2.3.1.
    Gzip,
    /// RFC 8878 §3.1.1, or a skippable frame before it (§3.1.2).
    Zstandard,
}

impl Compression {
    fn of(magic: &[u8]) -> Self {
        match magic {
            [0x1f, 0x8b, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Compression::Zstandard,
            _ => Compression::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source that gives one octet at a time, as a slow pipe does.
    struct Drip(Cursor<Vec<u8>>);

    impl Read for Drip {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let room = buffer.len().min(1);
            self.0.read(&mut buffer[..room])
        }
    }

    fn ramp(octets: usize) -> Vec<u8> {
        (0..octets).map(|i| (i % 251) as u8).collect()
    }

    #[test]
    fn every_octet_comes_once_at_its_offset_however_slow_the_source() {
        let octets = ramp(5000);
        let mut input = Input::new(Box::new(Drip(Cursor::new(octets.clone())))).unwrap();
        let mut read = Vec::new();
        while input.ensure(7).unwrap() {
            assert_eq!(input.offset(), read.len() as u64);
            read.extend_from_slice(&input.peek()[..7]);
            input.consume(7);
        }
        read.extend_from_slice(input.peek());
        assert_eq!(read, octets);
    }

    #[test]
    fn the_buffer_grows_for_what_is_there_not_for_what_is_claimed() {
        let mut input = Input::new(Box::new(Cursor::new(ramp(1000)))).unwrap();
        assert!(!input.ensure(1 << 40).unwrap());
        assert!(input.buffer().len() <= 2 * BUFFER_OCTETS);
        let mut input = Input::new(Box::new(Cursor::new(ramp(3 << 20)))).unwrap();
        assert!(input.ensure(2 << 20).unwrap());
        assert_eq!(input.peek()[..2 << 20], ramp(2 << 20));
    }

    #[test]
    fn packed_sources_are_unpacked_and_a_cut_one_says_so() {
        use std::io::Write;
        let octets = ramp(100_000);
        let gzip = |octets: &[u8]| {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            packer.write_all(octets).unwrap();
            packer.finish().unwrap()
        };
        let (first, second) = octets.split_at(777);
        let members = [gzip(first), gzip(second)].concat();
        let frames = [zstd::encode_all(first, 1).unwrap(), zstd::encode_all(second, 1).unwrap()].concat();
        for packed in [members, frames] {
            let mut input = Input::new(Box::new(Cursor::new(packed.clone()))).unwrap();
            assert!(input.ensure(octets.len()).unwrap());
            assert_eq!(input.peek(), octets);
            assert!(!input.ensure(octets.len() + 1).unwrap() && !input.is_cut());
            let mut input = Input::new(Box::new(Cursor::new(packed[..packed.len() - 9].to_vec()))).unwrap();
            assert!(!input.ensure(octets.len() + 1).unwrap() && input.is_cut());
        }
    }
}
