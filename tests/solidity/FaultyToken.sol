// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// A token that misbehaves on demand. It is honest until `misbehave` is called, so that
/// a contract can be filled with it first.
contract FaultyToken {
    enum Fault {
        /// As every token should be.
        None,
        /// Moves nothing and says so.
        SaysNo,
        /// Reverts every transfer.
        Reverts,
        /// The recipient gets a hundredth less than the sender pays.
        TaxesRecipient,
        /// The sender pays a hundredth more than the recipient gets.
        TaxesSender,
        /// Moves the amount and answers nothing, as early tokens do.
        SaysNothing,
        /// Calls back before it moves the amount, whatever comes of that.
        CallsBack,
        /// Calls back before it moves the amount, and fails if that fails.
        CallsBackOrFails,
        /// Moves nothing and claims it did.
        Lies,
        /// Moves the amount and claims it did not.
        Denies,
        /// Does not tell balances.
        HidesBalances,
        /// Answers with the number 2.
        SaysTwo,
        /// Burns all the gas it is given.
        Exhausts,
        /// Calls back when asked for a balance.
        CallsBackOnBalance,
        /// Moves the amount twice.
        PaysTwice
    }

    Fault public fault;
    /// Whose transfers fail, whatever the fault.
    address public barred;
    /// Whom a faulty token calls back, and with what.
    address public target;
    bytes public message;
    /// How many calls back came through, and how many failed.
    uint256 public entered;
    uint256 public refused;

    mapping(address account => uint256) private held;
    mapping(address owner => mapping(address spender => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);

    constructor(uint256 supply) {
        held[msg.sender] = supply;
    }

    function misbehave(Fault fault_) external {
        fault = fault_;
    }

    function bar(address account) external {
        barred = account;
    }

    function callBack(address target_, bytes calldata message_) external {
        target = target_;
        message = message_;
    }

    function mint(address to, uint256 value) external {
        unchecked {
            held[to] += value;
        }
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        return true;
    }

    function balanceOf(address account) external view returns (uint256) {
        require(fault != Fault.HidesBalances, "no");
        if (fault == Fault.CallsBackOnBalance) {
            (bool done,) = target.staticcall(message);
            require(!done, "a view of the caller came through");
        }
        return held[account];
    }

    function transfer(address to, uint256 value) external returns (bool) {
        return _transfer(msg.sender, to, value);
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        require(allowance[from][msg.sender] >= value, "allowance");
        unchecked {
            allowance[from][msg.sender] -= value;
        }
        return _transfer(from, to, value);
    }

    function _transfer(address from, address to, uint256 value) private returns (bool) {
        require(to != barred && from != barred, "barred");
        if (fault == Fault.SaysNo) return false;
        if (fault == Fault.Lies) return true;
        require(fault != Fault.Reverts, "no");
        if (fault == Fault.Exhausts) while (true) entered++;
        if (fault == Fault.CallsBack || fault == Fault.CallsBackOrFails) {
            (bool done,) = target.call(message);
            require(done || fault == Fault.CallsBack, "the call back failed");
            if (done) entered++;
            else refused++;
        }
        uint256 tax = value / 100;
        _move(from, to, value);
        if (fault == Fault.PaysTwice) _move(from, to, value);
        if (fault == Fault.TaxesRecipient) _move(to, address(1), tax);
        if (fault == Fault.TaxesSender) _move(from, address(1), tax);
        if (fault == Fault.Denies) return false;
        if (fault == Fault.SaysNothing) {
            assembly {
                return(0, 0)
            }
        }
        if (fault == Fault.SaysTwo) {
            assembly {
                mstore(0, 2)
                return(0, 32)
            }
        }
        return true;
    }

    function _move(address from, address to, uint256 value) private {
        require(held[from] >= value, "balance");
        unchecked {
            held[from] -= value;
            held[to] += value;
        }
        emit Transfer(from, to, value);
    }
}
