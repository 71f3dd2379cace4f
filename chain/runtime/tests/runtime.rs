//! What a node and a wallet rely on before the first transaction.

use frame_support::{
    genesis_builder_helper::{build_state, get_preset},
    traits::IntegrityTest,
};
use pallet_revive::AddressMapper;
use plimsoll_runtime::{
    constants::CHAIN_ID,
    genesis::{development_accounts, preset, preset_names, ENDOWMENT},
    AllPalletsWithSystem, Balances, Runtime, RuntimeGenesisConfig,
};
use serde_json::Value;
use sp_io::TestExternalities;

#[test]
fn limits_weights_and_fees_fit_each_other() {
    TestExternalities::default()
        .execute_with(<AllPalletsWithSystem as IntegrityTest>::integrity_test);
}

#[test]
fn the_development_preset_funds_and_maps_six_accounts() {
    assert_eq!(preset_names(), ["development"]);
    let parse = |json: Option<Vec<u8>>| -> Value {
        serde_json::from_slice(&json.expect("there is such a preset")).unwrap()
    };
    let mut config = parse(get_preset::<RuntimeGenesisConfig>(&None, preset));
    let patch = parse(get_preset::<RuntimeGenesisConfig>(
        &Some("development".into()),
        preset,
    ));
    for (pallet, fields) in patch.as_object().unwrap() {
        for (field, value) in fields.as_object().unwrap() {
            config[pallet][field] = value.clone();
        }
    }
    TestExternalities::default().execute_with(|| {
        build_state::<RuntimeGenesisConfig>(config.to_string().into_bytes()).unwrap();
        assert_eq!(development_accounts().len(), 6);
        for account in development_accounts() {
            assert_eq!(Balances::free_balance(&account), ENDOWMENT);
            assert!(<Runtime as pallet_revive::Config>::AddressMapper::is_mapped(&account));
        }
    });
}

#[test]
fn an_unknown_preset_is_none() {
    assert_eq!(preset(&"production".into()), None);
}

#[test]
fn metadata_is_served_in_all_current_versions() {
    assert_eq!(Runtime::metadata_versions(), [14, 15, 16]);
    for version in Runtime::metadata_versions() {
        // pallet-revive reads storage to tell the default of one of its items.
        let metadata = TestExternalities::default()
            .execute_with(|| Runtime::metadata_at_version(version).unwrap());
        assert_eq!(&metadata[..4], b"meta");
        assert_eq!(u32::from(metadata[4]), version);
    }
}

#[test]
fn the_chain_id_spells_its_name() {
    assert_eq!(CHAIN_ID, 1_347_176_781);
}
