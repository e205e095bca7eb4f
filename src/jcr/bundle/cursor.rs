//! Walks through the bytes of a bundle: numbers, texts, ids and names in the form of version 3.
//!
//! It never goes past the end, and never makes room by a length that is only claimed.

use super::super::NodeId;
use super::BundleError;
use super::names::{self, BorrowedName};

/// Where the reading of a bundle has got to.
pub(super) struct Cursor<'b> {
    rest: &'b [u8],
    /// The namespaces that have a place by now. The default one has the first from the beginning.
    namespaces: [Option<&'b str>; 7],
}

impl<'b> Cursor<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self {
            rest: bytes,
            namespaces: [Some(""), None, None, None, None, None, None],
        }
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'b [u8], BundleError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(BundleError::CutShort)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH], BundleError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(BundleError::CutShort)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, BundleError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    pub(super) fn id(&mut self) -> Result<NodeId, BundleError> {
        self.array()
    }

    /// Seven bits in each byte, the lowest first, 32 bits in all.
    pub(super) fn number(&mut self) -> Result<u32, BundleError> {
        let mut number = 0_u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            number |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(BundleError::NoNumber)
    }

    /// The same with 64 bits and the sign as the lowest one.
    pub(super) fn signed(&mut self) -> Result<i64, BundleError> {
        let mut number = 0_u64;
        for shift in [0, 7, 14, 21, 28, 35, 42, 49, 56, 63] {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed());
            }
        }
        Err(BundleError::NoNumber)
    }

    /// How many of something follow.
    pub(super) fn count(&mut self) -> Result<usize, BundleError> {
        let number = i32::try_from(self.number()?).map_err(|_| BundleError::NoNumber)?;
        usize::try_from(number).map_err(|_| BundleError::NoNumber)
    }

    /// A count that shares a byte with others as long as it is below `base`.
    pub(super) fn shared_count(&mut self, small: u8, base: u8) -> Result<usize, BundleError> {
        if small < base {
            return Ok(usize::from(small));
        }
        self.count()?
            .checked_add(usize::from(base))
            .ok_or(BundleError::NoNumber)
    }

    /// How often something was saved, which Jackrabbit counts in 16 bits and writes in 32.
    pub(super) fn modified_count(&mut self) -> Result<u16, BundleError> {
        let [.., high, low] = self.number()?.to_be_bytes();
        Ok(u16::from_be_bytes([high, low]))
    }

    pub(super) fn text(&mut self) -> Result<&'b str, BundleError> {
        let length = self.count()?;
        self.text_of(length)
    }

    pub(super) fn text_of(&mut self, length: usize) -> Result<&'b str, BundleError> {
        std::str::from_utf8(self.take(length)?).map_err(|_| BundleError::NoText)
    }

    pub(super) fn name(&mut self) -> Result<BorrowedName<'b>, BundleError> {
        let byte = self.byte()?;
        if byte < 0x80 {
            return names::common(byte).ok_or(BundleError::NoName(byte));
        }
        let place = usize::from((byte >> 4) & 7);
        let known = self.namespaces.get(place).copied().flatten();
        let namespace = known.map_or_else(|| self.namespace(place), Ok)?;
        let length = self.shared_count((byte & 15) + 1, 16)?;
        let local = self.text_of(length)?;
        Ok(BorrowedName { namespace, local })
    }

    /// A namespace that is written out, and has this place from now on, if there is one.
    fn namespace(&mut self, place: usize) -> Result<&'b str, BundleError> {
        let written = self.text()?;
        if let Some(slot) = self.namespaces.get_mut(place) {
            *slot = Some(written);
        }
        Ok(written)
    }
}
