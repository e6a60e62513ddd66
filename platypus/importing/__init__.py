"""Accounts from other phones' files: MicroSIP.ini, linphonerc, baresip's accounts, and the
settings.json of this phone's prototype.

    for account in read_accounts(path).accounts:
        store.set(account.config.address, account.password)

Passwords go from here to a credential store and nowhere else: no file of ours, no log and no
repr shows one.
"""

from platypus.importing.accounts import Imported, ImportedAccount, read_accounts, usual_places

__all__ = ["Imported", "ImportedAccount", "read_accounts", "usual_places"]
