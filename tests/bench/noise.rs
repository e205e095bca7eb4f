//! Numbers, text and bytes that look random and are the same every time.

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

/// Text as an export of a site has it: to be compressed to less than half.
pub fn text(noise: &mut Noise, size: usize) -> Vec<u8> {
    const WORDS: [&str; 16] = [
        "<sv:property ",
        "sv:name=",
        "\"jcr:primaryType\" ",
        "sv:type=\"Name\">",
        "<sv:value>",
        "mgnl:page",
        "</sv:value>",
        "</sv:property>\n",
        "title ",
        "Lorem ",
        "ipsum ",
        "dolor ",
        "sit ",
        "amet, ",
        "2026-11-23T",
        "page/",
    ];
    let mut text = String::with_capacity(size + 64);
    while text.len() < size {
        text += WORDS[usize::try_from(noise.below(16)).unwrap()];
        if noise.below(4) == 0 {
            text += &noise.below(1_000_000).to_string();
        }
    }
    text.truncate(size);
    text.into_bytes()
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
