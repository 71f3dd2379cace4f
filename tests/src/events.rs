//! Events of the emission contract, told apart by the topics in its metadata.

use crate::artifacts;
use parity_scale_codec::DecodeAll;
use plimsoll_embedded::{ContractEvent, H256};
use plimsoll_interface::events;
use std::collections::HashMap;
use std::sync::OnceLock;

macro_rules! event {
    ($($name:ident),* $(,)?) => {
        /// An event of the emission contract.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum Event {
            $($name(events::$name),)*
        }

        impl Event {
            /// Names of all events.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            fn of(name: &str, data: &[u8]) -> Self {
                match name {
                    $(stringify!($name) => events::$name::decode_all(&mut &*data).map(Self::$name),)*
                    _ => panic!("the metadata has an event {name} that the interface has not"),
                }
                .unwrap_or_else(|error| panic!("{name} does not decode: {error}"))
            }

            /// The event's name in the metadata.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                }
            }
        }

        impl From<&Event> for plimsoll_index::Event {
            fn from(event: &Event) -> Self {
                match event {
                    $(Event::$name(event) => Self::$name(event.clone()),)*
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

event!(
    Deployed,
    Registered,
    PayeeAnnounced,
    PayeeCancelled,
    OnlySelfSet,
    Vouched,
    Revoked,
    Bonded,
    Unbonding,
    BondFreed,
    BondPaid,
    Funded,
    BatchAccepted,
    Entries,
    Struck,
    EpochSettled,
    IdleSkipped,
    Raised,
    EpochClosed,
    RewardsBooked,
    Paid,
    PaymentFailed,
    ChangeAnnounced,
    ChangeCancelled,
    SlashExecuted,
    OwnerProposed,
    OwnerChanged,
    ClockPaused,
    ClockResumed,
);

impl Event {
    /// Decodes an event that the emission contract emitted.
    ///
    /// # Panics
    /// If its topic is not in the metadata or its data are not its fields.
    pub fn decode(event: &ContractEvent) -> Self {
        let topic = event
            .topics
            .first()
            .expect("every event is named by a topic");
        let name = names()
            .get(topic)
            .unwrap_or_else(|| panic!("no event of the metadata has the topic {topic:?}"));
        Self::of(name, &event.data)
    }
}

/// Names of events by their topics, from the contract's metadata.
fn names() -> &'static HashMap<H256, String> {
    static NAMES: OnceLock<HashMap<H256, String>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let metadata = artifacts::emission_metadata();
        let events = metadata["spec"]["events"]
            .as_array()
            .expect("the metadata lists events");
        events
            .iter()
            .map(|event| {
                let topic = event["signature_topic"].as_str().expect("events are named");
                let bytes = hex::decode(topic.trim_start_matches("0x")).expect("hexadecimal");
                let name = event["label"].as_str().expect("events have a label");
                (H256::from_slice(&bytes), name.to_owned())
            })
            .collect()
    })
}
