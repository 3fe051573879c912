// Run once, when the database is made: the account of the application, which may read and write its own
// database and nothing else.
const password = require('fs').readFileSync('/run/secrets/mongodb_password', 'utf8').trim();
const name = process.env.MONGODB_NAME;

db.getSiblingDB(name).createUser({
  user: process.env.MONGODB_USER,
  pwd: password,
  roles: [{ role: 'readWrite', db: name }],
});
