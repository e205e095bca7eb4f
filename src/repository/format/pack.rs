//! A pack while it is filled: pieces of content, or folders, one after the other, each compressed and encrypted, and a
//! list of them at the end. The form is restic's: "Pack Format" in its design document.

use std::num::NonZeroU32;

use bytes::{Buf, BytesMut};
use rustic_core::repofile::BlobType;
use twox_hash::XxHash3_128;

use super::cipher::{Cipher, NONCE, OVERHEAD};
use super::pack_list::{self, Entry};
use crate::disk::BLOCK;

/// A pack is full when it has this many bytes.
pub(in crate::repository) const FULL: usize = 16 * 1024 * 1024;
/// Or this many pieces.
const MANY: usize = 10_000;
/// How long its buffer is at first: most backups add little, and of a fleet many are made beside each other.
const SHORTEST: usize = 256 * 1024;
/// To what length the buffer doubles: what a full pack and the piece that fills it mostly take.
const LONGEST: usize = FULL + FULL / 8;

/// An empty buffer that begins where a disk can take it from.
fn aligned(capacity: usize) -> BytesMut {
    let mut buffer = BytesMut::with_capacity(capacity + BLOCK);
    buffer.resize(BLOCK, 0);
    let skipped = buffer.as_ptr().align_offset(BLOCK);
    buffer.advance(skipped.min(BLOCK));
    buffer.clear();
    buffer
}

/// The 128 bits that XXH3 makes of a text: whatever happens to a text in memory makes them others. Against those who
/// would forge one, everything in a pack is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::repository) struct Sum(u128);

impl Sum {
    pub(in crate::repository) fn of(text: &[u8]) -> Self {
        Self(XxHash3_128::oneshot(text))
    }
}

/// What packs pieces into packs: a cipher and, in repositories of the newer form, a compressor. Each thread has its own.
pub(in crate::repository) struct Packer {
    cipher: Cipher,
    compressor: Option<zstd::bulk::Compressor<'static>>,
}

impl Packer {
    /// `level` is that of zstd; `None` in repositories that do not compress.
    pub(in crate::repository) fn new(cipher: Cipher, level: Option<i32>) -> Result<Self, String> {
        let compressor = level
            .map(zstd::bulk::Compressor::new)
            .transpose()
            .map_err(|error| format!("nothing can be compressed: {error}"))?;
        Ok(Self { cipher, compressor })
    }

    /// Encrypts a file that is no pack, such as one of the index: compressed, it begins with a 2.
    pub(in crate::repository) fn file(&mut self, text: &[u8]) -> Result<Vec<u8>, String> {
        let Some(compressor) = &mut self.compressor else {
            return self.cipher.seal(text);
        };
        let mut packed = vec![2];
        packed.extend(
            compressor
                .compress(text)
                .map_err(|error| format!("it could not be compressed: {error}"))?,
        );
        self.cipher.seal(&packed)
    }
}

/// See the module.
#[derive(Debug)]
pub(in crate::repository) struct Pack {
    /// Longer than what is in it, so that a piece can be compressed to where it belongs.
    bytes: BytesMut,
    filled: usize,
    pieces: Vec<Entry>,
    sums: Vec<Sum>,
}

/// A pack that is whole.
#[derive(Debug)]
pub(in crate::repository) struct WholePack {
    pub(in crate::repository) bytes: BytesMut,
    pub(in crate::repository) pieces: Vec<Entry>,
    /// What the pieces came to, for whoever reads them back.
    pub(in crate::repository) sums: Vec<Sum>,
}

impl Pack {
    /// An empty pack in a buffer, such as one that an earlier pack was in, whose content is overwritten.
    pub(in crate::repository) fn new(buffer: BytesMut) -> Self {
        Self {
            bytes: buffer,
            filled: 0,
            pieces: Vec::new(),
            sums: Vec::new(),
        }
    }

    pub(in crate::repository) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Whether the next piece belongs into another one.
    pub(in crate::repository) fn is_full(&self) -> bool {
        self.filled >= FULL || self.pieces.len() >= MANY
    }

    /// Adds a piece that has this sum and this SHA-256, and gives how many bytes it takes there.
    pub(in crate::repository) fn add(
        &mut self,
        packer: &mut Packer,
        kind: BlobType,
        (sum, digest): (Sum, [u8; 32]),
        text: &[u8],
    ) -> Result<u32, String> {
        let too_long = |_| "a piece of content is longer than a pack can be".to_owned();
        let offset = self.filled;
        let most = zstd::zstd_safe::compress_bound(text.len());
        let room = self.room(OVERHEAD + most);
        let (length, uncompressed_length) = if let Some(compressor) = &mut packer.compressor {
            let length = compressor
                .compress_to_buffer(text, &mut room[NONCE..])
                .map_err(|error| format!("it could not be compressed: {error}"))?;
            (
                length,
                NonZeroU32::new(u32::try_from(text.len()).map_err(too_long)?),
            )
        } else {
            room[NONCE..NONCE + text.len()].copy_from_slice(text);
            (text.len(), None)
        };
        let sealed = &mut room[..length + OVERHEAD];
        packer.cipher.seal_in_place(sealed)?;
        self.filled += sealed.len();
        let length = u32::try_from(length + OVERHEAD).map_err(too_long)?;
        self.pieces.push(Entry {
            digest,
            kind,
            offset: u32::try_from(offset).map_err(too_long)?,
            length,
            uncompressed_length,
        });
        self.sums.push(sum);
        Ok(length)
    }

    /// What follows, at least `length` bytes of it. Zeroes are written where the buffer never was that long only.
    fn room(&mut self, length: usize) -> &mut [u8] {
        let end = self.filled + length;
        if self.bytes.capacity() < end {
            let mut longer = aligned(end.max((2 * self.bytes.capacity()).clamp(SHORTEST, LONGEST)));
            longer.extend_from_slice(&self.bytes[..self.filled]);
            self.bytes = longer;
        }
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        &mut self.bytes[self.filled..]
    }

    /// Adds the list of what is in it.
    pub(in crate::repository) fn finish(mut self, packer: &Packer) -> Result<WholePack, String> {
        let list = pack_list::text(&self.pieces);
        let sealed = packer.cipher.seal(&list)?;
        let length = u32::try_from(list.len() + OVERHEAD)
            .map_err(|_| "a pack has more pieces than it can have".to_owned())?;
        let room = self.room(sealed.len() + size_of_val(&length));
        let (for_list, for_length) = room.split_at_mut(sealed.len());
        for_list.copy_from_slice(&sealed);
        for_length[..size_of_val(&length)].copy_from_slice(&length.to_le_bytes());
        let end = self.filled + sealed.len() + size_of_val(&length);
        self.bytes.truncate(end);
        Ok(WholePack {
            bytes: self.bytes,
            pieces: self.pieces,
            sums: self.sums,
        })
    }
}

#[cfg(test)]
mod tests {
    use rustic_core::repofile::MasterKey;

    use super::*;

    fn pack_of(pieces: usize, packer: &mut Packer) -> Pack {
        let text = vec![7; 100_000];
        let mut pack = Pack::new(BytesMut::new());
        for _ in 0..pieces {
            let known = (Sum::of(&text), [0; 32]);
            pack.add(packer, BlobType::Data, known, &text).unwrap();
        }
        pack
    }

    #[test]
    fn a_little_takes_little_memory_and_much_lies_where_a_disk_takes_it_from() {
        let mut packer = Packer::new(Cipher::new(&MasterKey::new()).unwrap(), None).unwrap();
        let little = pack_of(1, &mut packer);
        assert!(little.bytes.capacity() <= SHORTEST + BLOCK);
        let much = pack_of(50, &mut packer);
        let lengths: Vec<_> = much.pieces.iter().map(|entry| entry.length).collect();
        let whole = much.finish(&packer).unwrap();
        assert_eq!(whole.bytes.as_ptr().align_offset(BLOCK), 0);
        assert!(whole.bytes.len() > lengths.iter().sum::<u32>() as usize);
        assert!(whole.bytes.capacity() <= LONGEST);
        let again = Pack::new(whole.bytes);
        assert!(again.is_empty());
    }
}
