//! Frames and their octets, counted together.

/// Frames and their octets (FCS included, preamble and gap not).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Frames.
    pub frames: u64,
    /// Octets.
    pub octets: u64,
}

impl Count {
    /// Counts a frame of `octets`.
    #[inline(always)]
    pub fn add(&mut self, octets: u16) {
        self.frames += 1;
        self.octets += u64::from(octets);
    }

    /// Adds the counts of `other`.
    #[inline(always)]
    pub fn merge(&mut self, other: Count) {
        self.frames += other.frames;
        self.octets += other.octets;
    }

    /// Takes the counts of a part away; what is more in the part than there is goes to 0.
    pub fn without(&mut self, part: Count) {
        self.frames = self.frames.saturating_sub(part.frames);
        self.octets = self.octets.saturating_sub(part.octets);
    }
}
