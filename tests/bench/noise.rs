//! Numbers and bytes that look random and are the same every time.

/// Numbers that look random and are the same every time.
pub struct Noise(pub u64);

impl Noise {
    /// The next one.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// Bytes that nothing makes smaller.
pub fn binary(noise: &mut Noise, size: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        bytes.extend(noise.next().to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}
