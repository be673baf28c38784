//! Blocks that never happened, with witnesses that hide the part of the state that tells so. A
//! prover that lies would hand these in; the kernel has to refuse them.

use crate::{
    asm::asm,
    scenario::{Case, Scenario},
    world::{contract, Call, BASE_FEE},
};
use alloy_primitives::{keccak256, Address, Bytes, U256};
use anyhow::Result;
use bzk_evm::trie;
use bzk_witness::{
    build,
    memory::{Contents, State},
    BlockInput,
};
use sp_core::H256;
use std::collections::BTreeSet;

/// Pays its caller as soon as the condition in front of this holds.
const PAY: &str = "@pay JUMPI STOP :pay 0 0 0 0 777 CALLER GAS CALL STOP";
const TARGET: Address = Address::repeat_byte(0xa1);
const HIDDEN: Address = Address::repeat_byte(0xd1);

/// All forgeries.
pub(crate) fn all() -> Result<Vec<Case>> {
    let hidden = U256::from_be_slice(HIDDEN.as_slice());
    let rich = Contents { balance: U256::from(5), ..Contents::default() };
    let stern = contract(asm("0 0 REVERT"), 0);
    let slots = |slots: u64, test: &str| (TARGET, contract(asm(&format!("{test} {PAY}")), slots));
    let other = |test: &str| slots(0, test).1;
    Ok(vec![
        forge("slot read as zero", slots(3, "1 SLOAD ISZERO"), slots(0, "1 SLOAD ISZERO").1, None)?,
        forge(
            "slot in the access list",
            slots(3, "1 SLOAD ISZERO"),
            slots(0, "1 SLOAD ISZERO").1,
            Some(1),
        )?,
        hide("balance", other(&format!("{hidden} BALANCE ISZERO")), rich.clone())?,
        hide("code", other(&format!("0 0 0 0 0 {hidden} GAS CALL")), stern.clone())?,
        hide("code size", other(&format!("{hidden} EXTCODESIZE ISZERO")), stern.clone())?,
        hide("code hash", other(&format!("{hidden} EXTCODEHASH ISZERO")), stern)?,
        hide("nothing to call", other(&format!("0 0 0 0 0 {hidden} GAS DELEGATECALL")), rich)?,
    ])
}

/// The true state has `truth` in an account, the block was executed as if it had `lie`.
fn forge(
    name: &str,
    (address, truth): (Address, Contents),
    lie: Contents,
    listed: Option<u64>,
) -> Result<Case> {
    let call = match listed {
        Some(slot) => Call::to(TARGET)
            .kind(crate::world::Kind::AccessList)
            .list(vec![(TARGET, vec![U256::from(slot)])]),
        None => Call::to(TARGET),
    };
    let honest = Scenario::new("").with(address, truth);
    case(name, honest.state, Scenario::new("").with(address, lie).send(1, call), None)
}

/// The true state has `HIDDEN`, the block was executed as if it had not.
fn hide(name: &str, target: Contents, hidden: Contents) -> Result<Case> {
    let honest = Scenario::new("").with(TARGET, target.clone()).with(HIDDEN, hidden);
    let lie = Scenario::new("").with(TARGET, target).send(1, Call::to(TARGET));
    case(&format!("account hidden: {name}"), honest.state, lie, Some(HIDDEN))
}

fn case(name: &str, honest: State, lie: Scenario, hidden: Option<Address>) -> Result<Case> {
    debug_assert_eq!(lie.environment.base_fee, BASE_FEE);
    let hashes: Vec<_> = crate::world::block_hashes(lie.environment.number);
    let hashes: Vec<_> = hashes.into_iter().map(|(_, hash)| hash).collect();
    let environment = lie.environment;
    let parent = hashes.last().copied().unwrap_or_default();
    let (_, mut block, senders) = lie.state.execute(&environment, parent, lie.transactions);
    let input = BlockInput {
        block: &block,
        senders: &senders,
        chain_id: environment.chain_id,
        parent_state_root: lie.state.root(),
        block_hashes: &hashes,
    };
    let mut witness = build(&lie.state, input)?;

    // The nodes of the true state, without those that would show the lie; and the root that it has
    // after what the block did.
    let mut after = honest.clone();
    let mut nodes = BTreeSet::new();
    let root = H256(honest.root().0);
    for transaction in &witness.transactions {
        for (address, access) in &transaction.accounts {
            if Some(*address) != hidden {
                let key = H256(keccak256(address).0);
                let proof = trie::prove(&honest, None, root, key).map_err(anyhow::Error::msg)?;
                nodes.extend(proof.into_iter().map(Bytes::from));
            }
            let Some(contents) = after.get(*address) else { continue };
            let mut contents = contents.clone();
            contents.balance = access.balance.unwrap_or(contents.balance);
            contents.nonce = access.nonce.map_or(contents.nonce, |nonce| nonce.to());
            after.put(*address, contents);
        }
    }
    block.header.state_root = after.root();
    witness.header = alloy_rlp::encode(&block.header).into();
    witness.parent_state_root = honest.root();
    witness.nodes = nodes;
    Ok(Case {
        name: format!("forged {name}"),
        chain_id: environment.chain_id,
        forged: true,
        witness,
    })
}
