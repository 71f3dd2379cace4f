//! Who counts as what in which epoch, packed so that a batch reads one storage
//! item for 685 operators instead of one each.
//!
//! A batch is for the current epoch or the one before, and a change counts from
//! the next epoch, so three versions answer every question a batch can ask.

use crate::{Epoch, OperatorIndex};

/// Operators in a byte: as many digits to the base of 3, the number of statuses.
const OPERATORS_PER_BYTE: usize = 5;

/// Value of each of a byte's digits.
const DIGITS: [u8; OPERATORS_PER_BYTE] = [1, 3, 9, 27, 81];

/// Bytes of one version: as many as fit three times in a storage item of 416 bytes.
const VERSION_BYTES: usize = 137;

/// Operators in one page.
pub const OPERATORS_PER_STATUS_PAGE: u32 = (VERSION_BYTES * OPERATORS_PER_BYTE) as u32;

/// Bytes of a page.
pub const STATUS_PAGE_BYTES: usize = 4 + 3 * VERSION_BYTES;

/// An operator's standing in an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "scale",
    derive(parity_scale_codec::Encode, parity_scale_codec::Decode)
)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub enum Status {
    /// Unknown, or open and below the smallest bond: its entries are skipped.
    #[default]
    Inactive,
    /// Anyone, with at least the smallest bond.
    Open,
    /// The registrar vouches that this is one real-world operator.
    Vetted,
}

/// The status of 685 neighbouring operators: four bytes of the epoch from which
/// the newest version counts (little-endian), then the newest version, the one
/// for the epoch just before, and the one for all epochs before that. A version has
/// a digit to the base of 3 for each operator, five in a byte, the lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusPage([u8; STATUS_PAGE_BYTES]);

impl Default for StatusPage {
    fn default() -> Self {
        Self([0; STATUS_PAGE_BYTES])
    }
}

/// The page of an operator and its place there.
#[must_use]
pub fn locate(operator: OperatorIndex) -> (u32, usize) {
    (
        operator / OPERATORS_PER_STATUS_PAGE,
        (operator % OPERATORS_PER_STATUS_PAGE) as usize,
    )
}

impl StatusPage {
    /// A page as it is stored.
    #[must_use]
    pub fn from_bytes(bytes: [u8; STATUS_PAGE_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; STATUS_PAGE_BYTES] {
        &self.0
    }

    /// The status of the operator at `place` in `epoch`; exact for the epoch
    /// before the one in which the page was last changed, and all later ones.
    #[must_use]
    pub fn get(&self, place: usize, epoch: Epoch) -> Status {
        let from = self.newest_from();
        let version = if epoch >= from {
            0
        } else if epoch.saturating_add(1) == from {
            1
        } else {
            2
        };
        let byte = self.0[version_start(version) + place / OPERATORS_PER_BYTE];
        match byte / DIGITS[place % OPERATORS_PER_BYTE] % 3 {
            1 => Status::Open,
            2 => Status::Vetted,
            _ => Status::Inactive,
        }
    }

    /// Sets the status of the operator at `place` from epoch `from` on, which is
    /// the next epoch (or 0 before genesis).
    pub fn set(&mut self, place: usize, status: Status, from: Epoch) {
        let newest = self.newest_from();
        if from > newest {
            // The newest version becomes the one for the epoch just before; what that
            // one held moves back too if it is for the epoch just before that.
            let keep_from = if from - newest == 1 { 1 } else { 0 };
            self.copy_version(keep_from, 2);
            self.copy_version(0, 1);
            self.0[..4].copy_from_slice(&from.to_le_bytes());
        }
        let digit = match status {
            Status::Inactive => 0,
            Status::Open => 1,
            Status::Vetted => 2,
        };
        let byte = &mut self.0[version_start(0) + place / OPERATORS_PER_BYTE];
        let value = DIGITS[place % OPERATORS_PER_BYTE];
        let before = *byte / value % 3;
        *byte = *byte - before * value + digit * value;
    }

    fn newest_from(&self) -> Epoch {
        Epoch::from_le_bytes([self.0[0], self.0[1], self.0[2], self.0[3]])
    }

    fn copy_version(&mut self, from: usize, to: usize) {
        let start = version_start(from);
        self.0
            .copy_within(start..start + VERSION_BYTES, version_start(to));
    }
}

fn version_start(version: usize) -> usize {
    4 + version * VERSION_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    #[test]
    fn a_page_fits_in_one_storage_item() {
        const { assert!(STATUS_PAGE_BYTES <= 416) };
    }

    #[test]
    fn every_batch_finds_the_status_of_its_own_epoch() {
        // All ways to change two operators over six epochs, against a plain history.
        for pattern in 0..3_u32.pow(6) {
            let mut page = StatusPage::default();
            let mut history: Vec<[Status; 2]> = vec![[Status::Inactive; 2]];
            let mut digits = pattern;
            for now in 0..6_u32 {
                let mut next = history[now as usize];
                match digits % 3 {
                    1 => {
                        next[0] = Status::Vetted;
                        page.set(5, Status::Vetted, now + 1);
                    }
                    2 => {
                        next = [Status::Inactive, Status::Open];
                        page.set(5, Status::Inactive, now + 1);
                        page.set(6, Status::Open, now + 1);
                    }
                    _ => {}
                }
                digits /= 3;
                history.push(next);
                for epoch in now.saturating_sub(1)..=now + 1 {
                    let expected = history[epoch as usize];
                    assert_eq!(page.get(5, epoch), expected[0], "{pattern} {now} {epoch}");
                    assert_eq!(page.get(6, epoch), expected[1], "{pattern} {now} {epoch}");
                }
            }
        }
    }

    #[test]
    fn neighbours_do_not_touch_each_other() {
        let mut page = StatusPage::default();
        let last = OPERATORS_PER_STATUS_PAGE as usize - 1;
        page.set(last, Status::Vetted, 1);
        page.set(last - 1, Status::Open, 1);
        assert_eq!(page.get(last, 1), Status::Vetted);
        assert_eq!(page.get(last - 1, 1), Status::Open);
        assert_eq!(page.get(last - 2, 1), Status::Inactive);
        assert_eq!(page.get(last, 0), Status::Inactive);
    }
}
