//! Whole numbers and fractions that neither round nor wrap.

use num_bigint::BigUint;
use num_integer::Integer;
use std::cmp::Ordering;
use std::fmt::Debug;

/// A whole number from 0 on. An operation that cannot give the exact result panics.
pub trait Whole: Clone + Ord + Debug {
    /// `value`.
    fn of(value: u128) -> Self;
    /// `self + other`.
    fn plus(&self, other: &Self) -> Self;
    /// `self - other`; panics if that is negative.
    fn minus(&self, other: &Self) -> Self;
    /// `self * other`.
    fn times(&self, other: &Self) -> Self;
    /// `self / other`, rounded down.
    fn over(&self, other: &Self) -> Self;
    /// The greatest common divisor.
    fn common(&self, other: &Self) -> Self;
}

/// Any size.
impl Whole for BigUint {
    fn of(value: u128) -> Self {
        Self::from(value)
    }
    fn plus(&self, other: &Self) -> Self {
        self + other
    }
    fn minus(&self, other: &Self) -> Self {
        self - other
    }
    fn times(&self, other: &Self) -> Self {
        self * other
    }
    fn over(&self, other: &Self) -> Self {
        self / other
    }
    fn common(&self, other: &Self) -> Self {
        self.gcd(other)
    }
}

/// Up to 128 bits, each operation checked: for the small epochs that are tried by the
/// million.
impl Whole for u128 {
    fn of(value: u128) -> Self {
        value
    }
    fn plus(&self, other: &Self) -> Self {
        self.checked_add(*other).expect("the sum has 128 bits")
    }
    fn minus(&self, other: &Self) -> Self {
        self.checked_sub(*other)
            .expect("the difference is not negative")
    }
    fn times(&self, other: &Self) -> Self {
        self.checked_mul(*other).expect("the product has 128 bits")
    }
    fn over(&self, other: &Self) -> Self {
        self.checked_div(*other).expect("the divisor is not 0")
    }
    fn common(&self, other: &Self) -> Self {
        match (u64::try_from(*self), u64::try_from(*other)) {
            (Ok(a), Ok(b)) => u128::from(a.gcd(&b)),
            _ => self.gcd(other),
        }
    }
}

/// A fraction from 0 on. It need not be in lowest terms; equal is what has the same value.
#[derive(Clone, Debug)]
pub struct Fraction<W> {
    /// What is divided.
    pub top: W,
    /// By what; not 0.
    pub bottom: W,
}

impl<W: Whole> Ord for Fraction<W> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.top
            .times(&other.bottom)
            .cmp(&other.top.times(&self.bottom))
    }
}

impl<W: Whole> PartialOrd for Fraction<W> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<W: Whole> PartialEq for Fraction<W> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<W: Whole> Eq for Fraction<W> {}

impl<W: Whole> Fraction<W> {
    /// `top / bottom`.
    pub fn new(top: W, bottom: W) -> Self {
        assert!(bottom > W::of(0), "a fraction is of something");
        Self { top, bottom }
    }

    /// `whole / 1`.
    pub fn whole(whole: W) -> Self {
        Self::new(whole, W::of(1))
    }

    /// The same in lowest terms.
    pub fn reduced(&self) -> Self {
        let common = self.top.common(&self.bottom);
        Self::new(self.top.over(&common), self.bottom.over(&common))
    }

    /// The whole part.
    pub fn floor(&self) -> W {
        self.top.over(&self.bottom)
    }

    /// The sum.
    pub fn plus(&self, other: &Self) -> Self {
        if self.bottom == other.bottom {
            return Self::new(self.top.plus(&other.top), self.bottom.clone());
        }
        Self::new(
            self.top
                .times(&other.bottom)
                .plus(&other.top.times(&self.bottom)),
            self.bottom.times(&other.bottom),
        )
    }

    /// `self * by`.
    pub fn times(&self, by: &W) -> Self {
        Self::new(self.top.times(by), self.bottom.clone())
    }
}
