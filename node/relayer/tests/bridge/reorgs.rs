//! Reorganisations of Bitcoin after what the contract has taken.

use super::Scene;
use crate::support::Anvil;
use bzk_bitcoin::bitcoin::{BlockHash, OutPoint};
use bzk_l2_client::contracts::{BtcBridge, BTC_BRIDGE};
use serde_json::json;

#[tokio::test]
async fn deposit_whose_block_is_replaced_is_proven_again() {
    let Some(scene) = Scene::new().await else { return };
    let deposit = scene.deposit(Anvil::account(2).address(), 1);
    scene.watch(std::slice::from_ref(&deposit));
    scene.node.pay(&[(deposit.script(&scene.bridge).unwrap(), 5_000_000)]);
    let lost = scene.node.mine(1);
    scene.relayer(Anvil::account(0)).round().await.unwrap();
    let l2 = scene.anvil.client(Anvil::account(0));
    assert_eq!(l2.call(BTC_BRIDGE, &BtcBridge::totalsCall {}).await.unwrap().claimed, 5_000_000);
    scene.anvil.mine(4);

    // The next branch holds it in another block. Who has not claimed it proves it there.
    scene.node.invalidate(&lost[0]);
    scene.node.mine(2);
    scene.watch(&[]);
    scene.relayer(Anvil::account(1)).round().await.unwrap();
    let totals = l2.call(BTC_BRIDGE, &BtcBridge::totalsCall {}).await.unwrap();
    assert_eq!((totals.claimed, totals.deficit), (5_000_000, 0));
    let logs = l2.logs::<BtcBridge::Reproved>(BTC_BRIDGE, 0, 1_000).await.unwrap();
    assert_eq!(logs.iter().map(|log| log.event.amount).collect::<Vec<_>>(), [5_000_000]);
}

/// The block of a payout is replaced by blocks without it. A relayer that is started after that finds the block in the
/// call that settled, and has the withdrawals wait again; the payout is settled where it is mined.
#[tokio::test]
async fn attack_reorg_after_payout() {
    let Some(scene) = Scene::new().await else { return };
    let lost = scene.settle_two().await;
    scene.node.invalidate(&lost);
    for _ in 0..2 {
        scene.node.call("generateblock", &[json!("raw(51)"), json!([])]).unwrap();
    }
    let mut relayer = scene.relayer(Anvil::account(1));
    relayer.round().await.unwrap();
    assert_eq!(scene.paid_and_owed().await, (0, 3_000_000));
    scene.anvil.mine(4);
    scene.node.mine(1);
    relayer.round().await.unwrap();
    assert_eq!(scene.paid_and_owed().await, (3_000_000, 0));
    assert_eq!(scene.settled().await, [0, 1, 0, 1]);
    // The next relayer finds nothing to do.
    scene.anvil.mine(4);
    scene.relayer(Anvil::account(0)).round().await.unwrap();
    assert_eq!(scene.paid_and_owed().await, (3_000_000, 0));
}

/// The payout is mined again at a lower height than that at which its withdrawals are reopened. If nobody found it
/// there they would be given back, although they are paid.
#[tokio::test]
async fn attack_late_reopening_does_not_hide_the_payout() {
    let Some(scene) = Scene::new().await else { return };
    let lost = scene.settle_two().await;
    scene.node.invalidate(&lost);
    scene.node.mine(30);
    let mut relayer = scene.relayer(Anvil::account(1));
    relayer.round().await.unwrap();
    assert_eq!(scene.paid_and_owed().await, (0, 3_000_000));
    scene.anvil.mine(4);
    relayer.round().await.unwrap();
    assert_eq!(scene.paid_and_owed().await, (3_000_000, 0));
}

impl Scene {
    /// Two withdrawals that are paid and settled; the block of their payout.
    async fn settle_two(&self) -> BlockHash {
        let user = Anvil::account(2);
        let deposit = self.deposit(user.address(), 1);
        self.watch(std::slice::from_ref(&deposit));
        let paid = self.node.pay(&[(deposit.script(&self.bridge).unwrap(), 5_000_000)]);
        self.node.mine(1);
        let mut relayer = self.relayer(Anvil::account(0));
        relayer.round().await.unwrap();
        let coin = self.coin(&deposit, OutPoint::new(paid.compute_txid(), 0), 5_000_000);
        self.pay_two(&self.anvil.client(user), coin).await;
        let block = self.node.mine(1)[0];
        self.anvil.mine(4);
        relayer.round().await.unwrap();
        assert_eq!(self.paid_and_owed().await, (3_000_000, 0));
        self.anvil.mine(4);
        block
    }

    /// What the contract has as settled and as locked, in sats.
    async fn paid_and_owed(&self) -> (u64, u64) {
        let l2 = self.anvil.client(Anvil::account(0));
        let totals = l2.call(BTC_BRIDGE, &BtcBridge::totalsCall {}).await.unwrap();
        (totals.settled, totals.locked)
    }
}
