//! What an attester refuses, asked over HTTP.

use crate::stage::{attester_key, Stage, EPOCH_MS};
use crate::workload::{gateway, receipt, signed, stranger, METER, NETWORK};
use plimsoll_keeper::attester::protocol::{AttestRequest, Attested, Code, Fault, Info, Refusal};
use plimsoll_keeper::batch::{Batch, Rules};
use plimsoll_keeper::keys::recover;
use plimsoll_keeper::meter::Meters;
use plimsoll_keeper::receipt::{Network, Receipt};
use plimsoll_keeper::tally::Nothing;
use plimsoll_mechanism::batch::{lane_of, Domain};

/// A running attester, and batches for it.
struct Asker {
    url: String,
    http: reqwest::Client,
    rules: Rules,
    domain: Domain,
}

impl Asker {
    /// The request for a batch of these receipts, as an honest keeper makes it.
    fn batch(&self, (epoch, lane, seq): (u32, u32, u64), receipts: Vec<Receipt>) -> AttestRequest {
        let (batch, _) =
            Batch::compose((epoch, lane, seq), receipts, &Nothing, &self.rules).expect("small");
        AttestRequest::new(&self.domain, METER.version, &batch)
    }

    async fn post(&self, path: &str, body: String) -> (u16, String) {
        let url = format!("{}{path}", self.url);
        let json = ("content-type", "application/json");
        let answer = self
            .http
            .post(url)
            .header(json.0, json.1)
            .body(body)
            .send()
            .await
            .expect("it answers");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    }

    /// It must refuse, when asked to check and when asked to sign, with this code.
    async fn refuses(&self, request: &AttestRequest, code: Code) -> Refusal {
        let body = serde_json::to_string(request).expect("plain data");
        let mut refusals = Vec::new();
        for path in ["/v1/check", "/v1/attest"] {
            let (status, text) = self.post(path, body.clone()).await;
            let refusal: Refusal =
                serde_json::from_str(&text).unwrap_or_else(|_| panic!("{path}: {status} {text}"));
            assert_eq!(
                (refusal.code, status),
                (code, code.status()),
                "{path}: {text}"
            );
            assert!(!refusal.reason.is_empty());
            refusals.push(refusal);
        }
        assert_eq!(refusals[0], refusals[1]);
        refusals.remove(0)
    }

    /// It must refuse this one receipt for this fault.
    async fn faults(&self, at: (u32, u32, u64), wrong: Receipt, fault: Fault) {
        let refusal = self
            .refuses(&self.batch(at, vec![wrong.clone()]), Code::Receipts)
            .await;
        let listed: Vec<_> = refusal
            .receipts
            .iter()
            .map(|one| (one.id, one.fault))
            .collect();
        assert_eq!(listed, [(wrong.id, fault)], "{refusal:?}");
    }

    async fn signs(&self, request: &AttestRequest) -> Attested {
        let body = serde_json::to_string(request).expect("plain data");
        let (status, text) = self.post("/v1/attest", body).await;
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).expect("a signature")
    }

    async fn signed(&self) -> u64 {
        let answer = self
            .http
            .get(format!("{}/v1/info", self.url))
            .send()
            .await
            .expect("it answers");
        answer.json::<Info>().await.expect("its facts").signed
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attester_signs_what_it_has_checked_and_nothing_else() {
    let mut stage = Stage::set().await;
    stage.to(0, EPOCH_MS / 2).await;
    let at = stage.start_of(0) + 1_000;
    let asker = Asker {
        url: stage.attester_url(0),
        http: reqwest::Client::new(),
        rules: Rules {
            network: Network::new(NETWORK),
            meters: Meters::from(METER),
            fee_unit: stage.settings.fee_unit,
            lanes: stage.settings.lanes,
        },
        domain: Domain {
            chain_id: stage.deployment.chain_id,
            contract: stage.deployment.contract.0,
        },
    };
    let mut all = (0..).map(|k| receipt(&format!("receipt {k}"), 0, at));
    let mut in_lane = |lane: u32| {
        all.by_ref()
            .find(|one| lane_of(&one.id, 2) == lane)
            .expect("there are")
    };
    let good = in_lane(0);
    let here = (0, 0, 0);

    for (path, body) in [
        ("/v1/attest", "{"),
        ("/v1/attest", "{\"key\":1}"),
        ("/v1/check", "[]"),
    ] {
        let (status, text) = asker.post(path, body.into()).await;
        let refusal: Refusal = serde_json::from_str(&text).expect("a refusal");
        assert_eq!((status, refusal.code), (400, Code::Malformed), "{text}");
    }
    let honest = asker.batch(here, vec![good.clone()]);
    let other_contract = AttestRequest {
        contract: stage.deployment.token,
        ..honest.clone()
    };
    asker.refuses(&other_contract, Code::WrongDeployment).await;
    let other_chain = AttestRequest {
        chain_id: [9; 32],
        ..honest.clone()
    };
    asker.refuses(&other_chain, Code::WrongDeployment).await;
    asker
        .refuses(
            &AttestRequest {
                meter: 2,
                ..honest.clone()
            },
            Code::WrongMeter,
        )
        .await;
    asker
        .refuses(
            &AttestRequest {
                receipts: vec![],
                ..honest.clone()
            },
            Code::Malformed,
        )
        .await;
    asker
        .refuses(&asker.batch((0, 7, 0), vec![good.clone()]), Code::Malformed)
        .await;
    asker
        .refuses(
            &asker.batch((1, 0, 0), vec![good.clone()]),
            Code::EpochClosed,
        )
        .await;
    asker
        .refuses(&asker.batch((0, 0, 1), vec![good.clone()]), Code::NotNext)
        .await;

    let mut more = honest.clone();
    more.entries[3] += 1;
    asker.refuses(&more, Code::Differs).await;
    let root = AttestRequest {
        receipts_root: [1; 32],
        ..honest.clone()
    };
    asker.refuses(&root, Code::Differs).await;

    asker.faults(here, in_lane(1), Fault::WrongPlace).await;
    asker
        .faults(
            here,
            Receipt {
                signature: None,
                ..in_lane(0)
            },
            Fault::Unsigned,
        )
        .await;
    asker
        .faults(here, signed(in_lane(0), &stranger()), Fault::UnknownSigner)
        .await;
    asker
        .faults(
            here,
            Receipt {
                fee: good.fee + 1,
                ..good.clone()
            },
            Fault::UnknownSigner,
        )
        .await;
    let resigned = |wrong: Receipt| signed(wrong, &gateway());
    let nobody = resigned(Receipt {
        operator: 77,
        ..in_lane(0)
    });
    asker.faults(here, nobody, Fault::UnknownOperator).await;
    let early = resigned(Receipt {
        completed_at: stage.start_of(0) - 1,
        ..in_lane(0)
    });
    asker.faults(here, early, Fault::WrongTime).await;
    let far = resigned(Receipt {
        completed_at: at + EPOCH_MS,
        ..in_lane(0)
    });
    asker.faults(here, far, Fault::WrongTime).await;
    let impossible = resigned(Receipt {
        verification: plimsoll_keeper::receipt::Mode::Tee,
        evidence: None,
        ..in_lane(0)
    });
    asker.faults(here, impossible, Fault::Impossible).await;
    let mut twice = honest.clone();
    twice.receipts.push(good.clone());
    let refusal = asker.refuses(&twice, Code::Receipts).await;
    assert_eq!(refusal.receipts[0].fault, Fault::WrongPlace);
    assert_eq!(asker.signed().await, 0);

    // The same batch has the same signature, before and after a SIGKILL; another one of
    // its number has none.
    let first = asker.signs(&honest).await;
    assert_eq!(first.address, attester_key(0).address());
    assert_eq!(
        recover(&first.digest, &first.signature.0),
        Some(first.address)
    );
    assert_eq!(asker.signs(&honest).await, first);
    let other = asker.batch(here, vec![in_lane(0)]);
    asker.refuses(&other, Code::AlreadySigned).await;
    stage.attesters[0].take().expect("it runs").kill();
    stage.start_attester(0, gateway().address()).await;
    asker.refuses(&other, Code::AlreadySigned).await;
    assert_eq!(asker.signs(&honest).await, first);
    assert_eq!(asker.signed().await, 1);
    assert!(!stage.logs().contains("panicked"), "{}", stage.logs());
}
