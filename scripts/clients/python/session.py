"""A session of web3.py with a node: what a Python dApp does. Reads its parameters as JSON from stdin."""

import json
import sys

from web3 import Web3
from web3.exceptions import ContractCustomError

given = json.load(sys.stdin)
w3 = Web3(Web3.HTTPProvider(given["url"]))
rich, poor = (w3.eth.account.from_key(given[name]) for name in ("key", "other"))
assert w3.is_connected() and w3.eth.chain_id == 97304


def send(transaction):
    """Signs, sends and waits; fees, gas and nonce are web3's choice."""
    filled = {"from": rich.address, "nonce": w3.eth.get_transaction_count(rich.address, "pending"), **transaction}
    filled.setdefault("gas", w3.eth.estimate_gas(filled))
    head = w3.eth.get_block("latest")
    tip = w3.eth.max_priority_fee
    filled |= {"chainId": 97304, "maxPriorityFeePerGas": tip, "maxFeePerGas": 2 * head["baseFeePerGas"] + tip}
    signed = rich.sign_transaction(filled)
    receipt = w3.eth.wait_for_transaction_receipt(w3.eth.send_raw_transaction(signed.raw_transaction), poll_latency=0.2)
    assert receipt["status"] == 1, receipt
    return receipt


before = w3.eth.get_balance(poor.address)
send({"to": poor.address, "value": w3.to_wei(1, "ether")})
assert w3.eth.get_balance(poor.address) == before + 10**18

factory = w3.eth.contract(abi=given["abi"], bytecode=given["bytecode"])
deployed = send({"data": factory.constructor().data_in_transaction})
token = w3.eth.contract(address=deployed["contractAddress"], abi=given["abi"])
receipt = send({"to": token.address, "data": token.encode_abi("transfer", [poor.address, 7])})
assert token.functions.balanceOf(poor.address).call() == 7
(event,) = token.events.Transfer().process_receipt(receipt)
assert event["args"]["value"] == 7
logs = token.events.Transfer().get_logs(from_block=0, argument_filters={"to": poor.address})
assert [log["transactionHash"] for log in logs] == [receipt["transactionHash"]]
# At the block before, nothing had been transferred.
assert token.functions.balanceOf(poor.address).call(block_identifier=receipt["blockNumber"] - 1) == 0

broke = Web3.to_checksum_address("0x" + "42" * 20)
try:
    token.functions.transfer(poor.address, 1).call({"from": broke})
    raise AssertionError("a transfer without tokens passed")
except ContractCustomError as error:
    assert error.data.startswith("0xe450d38c"), error.data

filter_ = w3.eth.filter("latest")
send({"to": poor.address, "value": 1})
assert receipt["blockHash"] not in filter_.get_new_entries()
proof = w3.eth.get_proof(token.address, [2], "latest")
assert proof["storageProof"][0]["value"] and len(proof["accountProof"]) > 0
print(f"web3.py {w3.api}: {w3.eth.block_number} blocks, token at {token.address}")
