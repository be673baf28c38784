//! Benchmarks of the calls and hooks.

use crate::{
    BlockCycleLimit, BlockGasLimit, Call, Config, Head, HeartbeatMs, Open, Pallet, RawOrigin,
    RawTransaction,
};
use alloc::{sync::Arc, vec::Vec};
use alloy_consensus::{SignableTransaction, TxEnvelope, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{hex, Address, Signature, TxKind, U256};
use bzk_evm::{account::Account, crypto::keccak256, tx::RecoveredTx};
use frame_benchmarking::v2::*;
use sp_core::{Get, H160};

/// A transfer of 1 wei at 1,000 gwei, nonce 0, signed for every chain by the key 01..01.
const SIGNED_TRANSFER: [u8; 102] = hex!(
    "f8648085e8d4a510008252089457575757575757575757575757575757575757570180"
    "1ba0103ee7b319e0fb28891e44acc77aecf40c2722debc3bd8beb5866efed8219ec6"
    "a036aa918b231fa5143056f6bf9357a8f99115adaae2b49455ce8fbf16e3fd2fea"
);

/// An address per index, spread over the trie.
fn address(index: u32) -> Address {
    Address::from_slice(&keccak256(&index.to_be_bytes()).0[12..])
}

fn fund<T: Config>(address: Address) {
    let account = Account { balance: (u128::MAX).into(), ..Default::default() };
    pallet_evm::Accounts::<T>::insert(H160(address.0 .0), account);
}

/// Opens a block that is later than the one before and has room for everything.
fn open<T: Config + pallet_timestamp::Config<Moment = u64>>() {
    let parent_s = Head::<T>::mutate(|head| {
        head.gas_limit = u64::from(u32::MAX);
        head.timestamp_s
    });
    BlockGasLimit::<T>::put(u64::from(u32::MAX));
    BlockCycleLimit::<T>::put(u64::MAX);
    pallet_timestamp::Now::<T>::put((parent_s + 2) * 1_000);
    Pallet::<T>::open_block();
}

/// The transfer of a nonce between two accounts, always the same, whose signature nobody looks at.
fn transfer(nonce: u32) -> (RecoveredTx, RawTransaction) {
    let tx = TxLegacy {
        nonce: nonce.into(),
        gas_price: 1_000_000_000_000,
        gas_limit: 21_000,
        to: TxKind::Call(address(1)),
        value: U256::from(1),
        ..Default::default()
    };
    let signature = Signature::new(U256::from(1), U256::from(1), false);
    let envelope = TxEnvelope::from(tx.into_signed(signature));
    let raw: Vec<u8> = envelope.encoded_2718();
    let hash = *envelope.tx_hash();
    (RecoveredTx { envelope, hash, sender: address(0) }, RawTransaction::truncate_from(raw))
}

#[benchmarks(where T: pallet_timestamp::Config<Moment = u64>)]
mod benches {
    use super::*;

    /// Decoding, recovery and a plain transfer. What it changes in the ledger is not in it: the first
    /// transaction of a block that changes an account pays for that by `commit` of pallet-evm.
    #[benchmark]
    fn transact() -> Result<(), BenchmarkError> {
        let raw = RawTransaction::truncate_from(SIGNED_TRANSFER.to_vec());
        let sender = Pallet::<T>::recover(&raw).map_err(|e| BenchmarkError::Stop(e.text()))?.sender;
        fund::<T>(sender);
        open::<T>();
        let recipient = Address::repeat_byte(0x57);
        for account in [sender, recipient, Address::from(T::Coinbase::get().0)] {
            let key = pallet_evm::Accounts::<T>::hashed_key_for(H160(account.0 .0));
            frame_benchmarking::benchmarking::add_to_whitelist(key.into());
        }

        #[block]
        {
            let tx = Pallet::<T>::recover(&raw).map_err(|e| BenchmarkError::Stop(e.text()))?;
            Pallet::<T>::transact(RawOrigin::recovered(Arc::new(tx)).into(), raw)
                .map_err(|e| e.error)?;
        }

        assert_eq!(Open::<T>::get().map(|block| block.transactions), Some(1));
        Ok(())
    }

    /// Opening a block, in `on_initialize`.
    #[benchmark]
    fn open_block() {
        #[block]
        {
            Pallet::<T>::open_block();
        }

        assert!(Open::<T>::exists());
    }

    /// Closing a block of `n` transfers in `on_finalize`. They change the same accounts, so the commit of
    /// the ledger is next to nothing of it.
    #[benchmark]
    fn close_block(n: Linear<0, 1_000>) -> Result<(), BenchmarkError> {
        HeartbeatMs::<T>::put(0);
        open::<T>();
        let before = Head::<T>::get().number;
        fund::<T>(address(0));
        for nonce in 0..n {
            let (tx, raw) = transfer(nonce);
            Pallet::<T>::transact(RawOrigin::recovered(Arc::new(tx)).into(), raw)
                .map_err(|e| e.error)?;
        }

        #[block]
        {
            Pallet::<T>::close_block();
        }

        assert_eq!(Head::<T>::get().number, before + 1);
        Ok(())
    }

    #[benchmark]
    fn set_block_gas_limit() {
        #[extrinsic_call]
        _(frame_system::RawOrigin::Root, 60_000_000);

        assert_eq!(BlockGasLimit::<T>::get(), 60_000_000);
    }

    #[benchmark]
    fn set_block_cycle_limit() {
        #[extrinsic_call]
        _(frame_system::RawOrigin::Root, 1_000_000_000);

        assert_eq!(BlockCycleLimit::<T>::get(), 1_000_000_000);
    }

    #[benchmark]
    fn set_heartbeat() {
        #[extrinsic_call]
        _(frame_system::RawOrigin::Root, 60_000);

        assert_eq!(HeartbeatMs::<T>::get(), 60_000);
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
