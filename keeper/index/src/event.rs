//! The emission contract's events, told apart by their names.

use parity_scale_codec::{DecodeAll as _, Encode as _};
use plimsoll_interface::events;

macro_rules! all_events {
    ($($name:ident),* $(,)?) => {
        /// An event of the emission contract.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Event {
            $(
                #[doc = concat!("See [`events::", stringify!($name), "`].")]
                $name(events::$name),
            )*
        }

        impl Event {
            /// The names of all events.
            pub const NAMES: &'static [&'static str] = &[$(events::$name::NAME),*];

            /// The event of this name in the contract's metadata with these data; `None`
            /// if there is none of the name, or the data are not its fields.
            #[must_use]
            pub fn named(name: &str, mut data: &[u8]) -> Option<Self> {
                match name {
                    $(events::$name::NAME => {
                        events::$name::decode_all(&mut data).ok().map(Self::$name)
                    })*
                    _ => None,
                }
            }

            /// Its data, as the contract encodes its fields.
            #[must_use]
            pub fn data(&self) -> Vec<u8> {
                match self {
                    $(Self::$name(event) => event.encode(),)*
                }
            }

            /// Its name in the contract's metadata.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => events::$name::NAME,)*
                }
            }
        }

        $(
            impl From<events::$name> for Event {
                fn from(event: events::$name) -> Self {
                    Self::$name(event)
                }
            }
        )*
    };
}

all_events! {
    Deployed, Registered, PayeeAnnounced, PayeeCancelled, OnlySelfSet, Vouched, Revoked, Bonded,
    Unbonding, BondFreed, BondPaid, Funded, BatchAccepted, Entries, Struck, EpochSettled,
    IdleSkipped, Raised, EpochClosed, RewardsBooked, Paid, PaymentFailed, ChangeAnnounced,
    ChangeCancelled, SlashExecuted, OwnerProposed, OwnerChanged, ClockPaused, ClockResumed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_of_the_interface_is_known() {
        assert_eq!(Event::NAMES, events::NAMES);
    }

    #[test]
    fn an_event_with_a_byte_too_many_or_too_few_is_none() {
        let closed = events::EpochClosed {
            epoch: 3,
            leftover: 9,
        };
        let mut data = closed.encode();
        let event = Event::EpochClosed(closed);
        assert_eq!(Event::named("EpochClosed", &data), Some(event));
        assert_eq!(Event::named("EpochOpened", &data), None);
        data.push(0);
        assert_eq!(Event::named("EpochClosed", &data), None);
        assert_eq!(Event::named("EpochClosed", &data[..data.len() - 2]), None);
    }
}
