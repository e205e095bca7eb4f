//! Whether a disk has failed to give what is on it. What follows from that is the caller's business.

use std::io;

use rustix::io::Errno;

/// Whether it is what systems say of sectors that are gone and of sums that are wrong; of a network as well, where a mount is told
/// to give up.
pub(crate) fn is_of_the_disk(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(
            Errno::IO
                | Errno::NXIO
                | Errno::NODATA
                | Errno::BADMSG
                | Errno::UCLEAN
                | Errno::ILSEQ
                | Errno::REMOTEIO
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sector_that_is_gone_is_told_from_a_file_that_is_gone() {
        assert!(is_of_the_disk(&Errno::IO.into()));
        assert!(is_of_the_disk(&Errno::UCLEAN.into()));
        assert!(!is_of_the_disk(&Errno::NOENT.into()));
        assert!(!is_of_the_disk(&Errno::TIMEDOUT.into()));
        assert!(!is_of_the_disk(&io::Error::other("it is the disk")));
    }
}
