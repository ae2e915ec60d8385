select Id as id, AccountType as account_type
from accounts
