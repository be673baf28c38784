// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGateEvaluator, PlonkyVerifier} from "../src/PlonkyVerifier.sol";

interface Vm {
    function readFileBinary(string calldata path) external view returns (bytes memory);
    function getCode(string calldata artifact) external view returns (bytes memory);
}

/// Shows what `_verify` leaves in memory, and that it comes to its end.
contract Opened is PlonkyVerifier {
    error ReachedTheEnd();

    constructor(IGateEvaluator evaluator) PlonkyVerifier(evaluator) {}

    function end(uint256[32] calldata inputs, bytes calldata proof) external view {
        _verify(inputs, proof);
        revert ReachedTheEnd();
    }

    function memoryAfter(uint256[32] calldata inputs, bytes calldata proof, uint256[] calldata addresses)
        external
        view
        returns (uint256[] memory words)
    {
        _verify(inputs, proof);
        words = new uint256[](addresses.length);
        for (uint256 i = 0; i < addresses.length; i++) {
            uint256 at = addresses[i];
            uint256 word;
            assembly ("memory-safe") {
                word := mload(at)
            }
            words[i] = word;
        }
    }
}

contract PlonkyVerifierTest {
    Vm private constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    Opened private verifier;

    event Gas(string what, uint256 gas);

    function setUp() public {
        // By its artifact: it is compiled for size, this file for speed.
        bytes memory code = vm.getCode("GateEvaluator.sol:GateEvaluator");
        address evaluator;
        assembly ("memory-safe") {
            evaluator := create(0, add(code, 32), mload(code))
        }
        require(evaluator != address(0), "the evaluator is not deployed");
        verifier = new Opened(IGateEvaluator(evaluator));
        require(evaluator.code.length <= 24576, "the evaluator is too large");
        require(address(new PlonkyVerifier(IGateEvaluator(evaluator))).code.length <= 24576, "the verifier is too large");
    }

    /// Words of a file: big-endian, 32 bytes each.
    function words(string memory path) private view returns (uint256[] memory list) {
        bytes memory raw = vm.readFileBinary(path);
        list = new uint256[](raw.length / 32);
        for (uint256 i = 0; i < list.length; i++) {
            uint256 word;
            assembly ("memory-safe") {
                word := mload(add(add(raw, 32), mul(i, 32)))
            }
            list[i] = word;
        }
    }

    function statement() private view returns (uint256[32] memory inputs) {
        uint256[] memory list = words("data/inputs.bin");
        require(list.length == 32, "inputs.bin");
        for (uint256 i = 0; i < 32; i++) inputs[i] = list[i];
    }

    function test_valid_proof_is_accepted() public {
        bytes memory request = abi.encodeCall(PlonkyVerifier.verify, (statement(), vm.readFileBinary("data/proof.bin")));
        uint256 start = gasleft();
        (bool success, bytes memory result) = address(verifier).staticcall(request);
        uint256 used = start - gasleft();
        if (!success) {
            assembly { revert(add(result, 32), mload(result)) }
        }
        require(abi.decode(result, (bool)), "not true");
        emit Gas("execution", used);
        emit Gas("transaction", 21000 + 16 * request.length + used);
        emit Gas("floor", 21000 + 40 * request.length);
    }

    function test_the_end_is_reached() public view {
        uint256[32] memory inputs = statement();
        bytes memory proof = vm.readFileBinary("data/proof.bin");
        try verifier.end(inputs, proof) {
            revert("halted before the end");
        } catch (bytes memory reason) {
            require(bytes4(reason) == Opened.ReachedTheEnd.selector, "failed before the end");
        }
    }

    function test_every_intermediate_is_as_in_rust() public view {
        uint256[] memory pairs = words("data/vectors.bin");
        uint256[] memory addresses = new uint256[](pairs.length / 2);
        for (uint256 i = 0; i < addresses.length; i++) addresses[i] = pairs[2 * i];
        uint256[] memory got = verifier.memoryAfter(statement(), vm.readFileBinary("data/proof.bin"), addresses);
        for (uint256 i = 0; i < got.length; i++) {
            require(got[i] == pairs[2 * i + 1], "an intermediate differs");
        }
    }

    function refuses(uint256[32] memory inputs, bytes memory proof) private view {
        try verifier.verify(inputs, proof) returns (bool) {
            revert("accepted");
        } catch {}
    }

    /// The valid proof with one public input of `[from, to)` changed.
    function refusesInputs(uint256 from, uint256 to) private view {
        bytes memory proof = vm.readFileBinary("data/proof.bin");
        for (uint256 i = from; i < to; i++) {
            uint256[32] memory inputs = statement();
            inputs[i] ^= 1;
            refuses(inputs, proof);
        }
    }

    function test_attack_wrong_chain_id() public view {
        refusesInputs(0, 1);
    }

    function test_attack_dropped_block() public view {
        refusesInputs(1, 3);
    }

    function test_attack_forged_state_root() public view {
        refusesInputs(3, 19);
    }

    function test_attack_changed_accumulator() public view {
        refusesInputs(19, 27);
    }

    function test_attack_another_provers_address() public view {
        refusesInputs(27, 32);
    }

    /// Other words for the same elements: what reads them takes them for other numbers.
    function test_attack_inputs_beyond_the_order() public view {
        bytes memory proof = vm.readFileBinary("data/proof.bin");
        uint256[3] memory more = [uint256(0xffffffff00000001), 1 << 64, 1 << 255];
        for (uint256 i = 0; i < 32; i++) {
            for (uint256 k = 0; k < 3; k++) {
                uint256[32] memory inputs = statement();
                inputs[i] += more[k];
                refuses(inputs, proof);
            }
        }
    }

    /// As the valid proof up to its end, which is elsewhere.
    function test_attack_proof_of_another_length() public view {
        bytes memory proof = vm.readFileBinary("data/proof.bin");
        refuses(statement(), "");
        refuses(statement(), bytes.concat(proof, hex"00"));
        refuses(statement(), bytes.concat(proof, proof));
        assembly ("memory-safe") {
            mstore(proof, sub(mload(proof), 1))
        }
        refuses(statement(), proof);
    }

    /// Each record: offset in the proof (or, from 2^32, 2^32 + index of an input), eight bytes that are put there,
    /// whether Rust accepts. 1 + 3 words.
    function test_mutations_are_judged_as_in_rust() public {
        uint256[] memory records = words("data/mutations.bin");
        bytes memory request = abi.encodeCall(PlonkyVerifier.verify, (statement(), vm.readFileBinary("data/proof.bin")));
        uint256 refused;
        uint256 body;
        assembly { body := add(request, 36) }
        for (uint256 i = 0; i < records.length; i += 3) {
            uint256 at = records[i];
            uint256 place = at >> 32 == 0 ? body + 1024 + 64 + at : body + 32 * (at & 0xffffffff) + 24;
            uint256 value = records[i + 1];
            uint256 before;
            bool success;
            address target = address(verifier);
            assembly {
                before := mload(place)
                mstore(place, or(shl(192, value), shr(64, shl(64, before))))
                success := staticcall(gas(), target, add(request, 32), mload(request), 0, 0)
                mstore(place, before)
            }
            require(success == (records[i + 2] == 1), "contract and Rust differ");
            if (!success) refused++;
        }
        require(refused > 0, "nothing was mutated");
        emit Gas("refused", refused);
    }
}
